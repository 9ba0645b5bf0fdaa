"""`healthy`, the command that container engines ask."""

from __future__ import annotations

import subprocess
from pathlib import Path

import bcrypt
import pytest
import yaml

from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.certificates import Authority
from tests.fakes import aksk
from tests.processes import Running, ended, free_port, running


@pytest.fixture
def config(tmp_path: Path, simulator: Simulator, account: SimulatedAccount) -> str:
    accounts = [{"name": "production", "endpoint": simulator.url, "credentials": aksk(account)}]
    file = tmp_path / "config.yml"
    file.write_text(yaml.safe_dump({"accounts": accounts}), encoding="utf-8")
    return f"--config.file={file}"


def web(directory: Path, **settings: object) -> str:
    (directory / "web.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return f"--web.config.file={directory / 'web.yml'}"


def healthy(exporter: Running, *flags: str) -> subprocess.CompletedProcess[str]:
    return ended("healthy", f"--web.listen-address={exporter.url.partition('//')[2]}", *flags)


def test_an_exporter_that_polls_is_healthy_below_its_prefix_too(config: str) -> None:
    with running("run", config, "--web.route-prefix=/csr") as exporter:
        said = healthy(exporter, "--web.route-prefix=/csr")
        lost = healthy(exporter)

    assert (said.returncode, said.stdout) == (0, "CSR Exporter is healthy.\n")
    assert (lost.returncode, lost.stderr) == (1, "Error: HTTP 404 Not Found\n")


def test_an_encrypted_exporter_is_asked_whatever_name_its_certificate_has(config: str, tmp_path: Path) -> None:
    Authority().issue().write(tmp_path, "server")
    encrypted = web(tmp_path, tls_server_config={"cert_file": "server.crt", "key_file": "server.key"})

    with running("run", config, encrypted) as exporter:
        said = healthy(exporter, encrypted)

    assert (said.returncode, said.stdout) == (0, "CSR Exporter is healthy.\n")


def test_behind_users_the_probe_address_is_what_is_asked(config: str, tmp_path: Path) -> None:
    guarded = web(tmp_path, basic_auth_users={"alice": bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()})
    probe = f"--web.probe-address=127.0.0.1:{free_port()}"

    with running("run", config, guarded, probe) as exporter:
        refused = healthy(exporter, guarded)
        said = healthy(exporter, guarded, probe)

    address = exporter.url.removeprefix("http://")
    assert (refused.returncode, refused.stderr) == (
        1,
        f"Error: {address} wants credentials; --web.probe-address serves health to everyone\n",
    )
    assert (said.returncode, said.stdout) == (0, "CSR Exporter is healthy.\n")


def test_without_an_exporter_nothing_is_healthy() -> None:
    port = free_port()

    said = ended("healthy", CSR_EXPORTER_WEB_LISTEN_ADDRESS=f":{port}")

    assert (said.returncode, said.stderr) == (
        1,
        f"Error: :{port} does not answer: [Errno 111] Connection refused\n",
    )


def test_a_broken_web_configuration_is_said_and_nothing_is_asked(tmp_path: Path) -> None:
    said = ended("healthy", web(tmp_path, unknown=1))

    assert said.returncode == 2
    assert "web.yml: unknown" in said.stderr
