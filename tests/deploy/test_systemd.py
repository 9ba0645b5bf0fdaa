"""The units: what systemd says of them, and whether the exporter can live with what they forbid."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from csr_exporter.simulator import SimulatedAccount, Simulator
from csr_exporter.web.server import MOST_CONNECTIONS, RESERVE
from tests.fakes import aksk
from tests.processes import DEADLINE, Running, clean_environment, command, tool

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
SERVICES = ("csr-exporter.service", "csr-exporter-textfile.service")

EXPOSURE = 1.2
"""What docs/install.md says: of 10, and the less the better."""


def ran(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=DEADLINE)


def analyzed(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return ran(tool("systemd-analyze", "systemd"), *arguments)


def settings(unit: str) -> dict[str, list[str]]:
    """The values of each setting of *unit*, whichever section it is in."""
    found = defaultdict(list)
    for name, value in re.findall(r"^(\w+)=(.*)$", (UNITS / unit).read_text(encoding="utf-8"), re.MULTILINE):
        found[name].append(value)
    return found


def hardening(unit: str) -> str:
    return (
        (UNITS / unit)
        .read_text(encoding="utf-8")
        .partition("# It reads its configuration")[2]
        .partition("[")[0]
        .strip()
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units as on a machine that has the program."""
    directory = tmp_path_factory.mktemp("units")
    program = Path(sys.executable).with_name("csr-exporter")
    for unit in UNITS.glob("csr-exporter*.*"):
        text = unit.read_text(encoding="utf-8").replace("/opt/csr-exporter/bin/csr-exporter", str(program))
        (directory / unit.name).write_text(text, encoding="utf-8")
    return directory


@pytest.mark.parametrize("unit", [*SERVICES, "csr-exporter-textfile.timer"])
def test_systemd_finds_nothing_wrong(unit: str, installed: Path) -> None:
    result = analyzed("verify", installed / unit)

    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("unit", SERVICES)
def test_the_exposure_is_what_the_page_says(unit: str, installed: Path) -> None:
    result = analyzed("security", "--offline=true", f"--threshold={round(EXPOSURE * 10)}", installed / unit)
    page = (UNITS.parent.parent / "docs" / "install.md").read_text(encoding="utf-8")

    assert result.returncode == 0, result.stdout
    assert float(re.findall(r"exposure level for \S+ ([\d.]+)", result.stdout)[0]) <= EXPOSURE
    assert f"{EXPOSURE} of 10" in page


def test_both_services_are_hardened_alike() -> None:
    daemon, textfile = (hardening(each) for each in SERVICES)

    assert "ProtectSystem=strict" in daemon
    assert daemon == textfile


def test_the_process_may_read_what_its_metrics_are_made_of() -> None:
    # The client library reads /proc/stat once, and without it has no process_ metrics.
    assert "ProcSubset" not in settings("csr-exporter.service")


def test_the_user_is_made_by_sysusers(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()

    result = ran(
        tool("systemd-sysusers", "systemd"), f"--root={tmp_path}", "--replace=/usr/lib/sysusers.d/csr-exporter.conf",
        UNITS / "csr-exporter.sysusers.conf",
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    users = [line.split(":")[0] for line in (tmp_path / "etc" / "passwd").read_text(encoding="utf-8").splitlines()]
    assert users == settings("csr-exporter.service")["User"] == settings("csr-exporter-textfile.service")["User"]


def test_the_service_is_started_again_however_often_it_fails() -> None:
    service = settings("csr-exporter.service")

    assert service["StartLimitIntervalSec"] == ["0"]
    assert (service["Restart"], service["RestartSec"]) == (["on-failure"], ["5"])


def test_the_journal_is_in_the_folder_that_the_service_may_write() -> None:
    (start,) = settings("csr-exporter.service")["ExecStart"]

    assert settings("csr-exporter.service")["StateDirectory"] == ["csr-exporter"]
    assert "--storage.path=/var/lib/csr-exporter/journal" in start.split()


def test_the_limit_of_descriptors_has_room_for_every_connection() -> None:
    assert settings("csr-exporter.service")["LimitNOFILE"] == [str(MOST_CONNECTIONS + RESERVE)]


def allowed(unit: str) -> set[str]:
    """The system calls that the filter of *unit* lets through."""
    blocks = re.split(r"^(?=@)", analyzed("syscall-filter").stdout, flags=re.MULTILINE)
    lines = {
        block.split()[0]: re.findall(r"^ +(@?\w[\w-]*)$", block, re.MULTILINE)
        for block in blocks
        if block.startswith("@")
    }

    def members(name: str) -> set[str]:
        return set().union(*(members(each) for each in lines[name])) if name in lines else {name}

    calls: set[str] = set()
    for value in settings(unit)["SystemCallFilter"]:
        named = set().union(*(members(each) for each in value.removeprefix("~").split()))
        calls = calls - named if value.startswith("~") else calls | named
    return calls


def test_every_system_call_that_the_exporter_makes_is_allowed(
    simulator: Simulator, account: SimulatedAccount, tmp_path: Path
) -> None:
    accounts = [{"name": "production", "endpoint": simulator.url, "credentials": aksk(account)}]
    config, trace = tmp_path / "config.yml", tmp_path / "trace"
    config.write_text(yaml.safe_dump({"accounts": accounts}), encoding="utf-8")
    traced = [str(tool("strace", "strace")), "-f", "-qq", "-o", str(trace)]
    journal = f"--storage.path={tmp_path / 'journal'}"
    run = command("run", f"--config.file={config}", journal, "--web.listen-address=127.0.0.1:0")

    with subprocess.Popen(
        [*traced, *run], env=clean_environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        exporter = Running(process)
        page = exporter.ready().get("/metrics").text
        exporter.get("/changes")
        os.kill(int(trace.read_text(encoding="utf-8").split()[0]), signal.SIGTERM)
        process.wait(DEADLINE)

    assert 'scm_csr_up{account="production"} 1' in page
    calls = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(encoding="utf-8"), re.MULTILINE))
    assert {"openat", "accept4", "connect"} <= calls
    only_as_root = {"fchown"} if os.geteuid() == 0 else set()  # by SQLite, for the database's owner
    assert calls - allowed("csr-exporter.service") - only_as_root == set()
