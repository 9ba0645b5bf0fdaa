"""The daemon and its storage, as processes: what a restart keeps, finds and refuses."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from csr_exporter.simulator import Fault as SimulatedFault
from csr_exporter.simulator import Latency, SimulatedAccount, Simulator
from tests.fakes import aksk
from tests.processes import DEADLINE, Running, ended, free_port, running, until
from tests.scraping import scraping


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@contextmanager
def daemon(config: Path, folder: Path, *flags: str, wait: bool = True) -> Iterator[Running]:
    """A daemon with *config* that keeps its journal in *folder*, ready unless it is not to be waited for."""
    with running("run", f"--config.file={config}", f"--storage.path={folder}", *flags) as exporter:
        yield exporter.ready() if wait else exporter


def configure(directory: Path, simulator: Simulator, account: SimulatedAccount, **settings: Any) -> Path:  # noqa: ANN401 - settings
    accounts = [{"name": "production", "endpoint": simulator.url, "credentials": aksk(account)}]
    file = directory / "config.yml"
    file.write_text(yaml.safe_dump({"accounts": accounts, **settings}), encoding="utf-8")
    return file


def remove(simulator: Simulator) -> str:
    """Delete the newest CSR of the cloud; its name."""
    record = simulator.records("production")[0]
    simulator.remove("production", record["id"])
    return str(record["name"])


def value(exporter: Running, sample: str) -> str | None:
    """The value of *sample* in the exposition."""
    lines = exporter.get("/metrics").text.splitlines()
    return next((line.rpartition(" ")[2] for line in lines if line.startswith(f"{sample} ")), None)


def removed(exporter: Running) -> list[str]:
    changes = exporter.get("/changes.json?change=removed").json()["changes"]
    return [each["name"] for each in changes]


def test_prometheus_sees_a_removal_that_happened_while_the_exporter_was_down(
    tmp_path: Path, folder: Path, simulator: Simulator, account: SimulatedAccount
) -> None:
    config, address = configure(tmp_path, simulator, account), f"--web.listen-address=127.0.0.1:{free_port()}"
    query = 'query?query=increase(scm_csr_removed_total{account="production"}[1h])'

    def increase(prometheus: str) -> list[float]:
        reply = requests.get(f"{prometheus}/api/v1/{query}", timeout=DEADLINE).json()
        return [float(each["value"][1]) for each in reply["data"]["result"]]

    with daemon(config, folder, address) as first, scraping(tmp_path, first) as prometheus:
        assert until(lambda: _answers(prometheus) and increase(prometheus)) == [0.0]
        first.stop()
        name = remove(simulator)
        with daemon(config, folder, address) as second:
            (found,) = until(lambda: [each for each in increase(prometheus) if each])
            assert removed(second) == [name]

    assert found == pytest.approx(1, rel=0.5)  # Prometheus extrapolates


def _answers(prometheus: str) -> bool:
    try:
        return requests.get(f"{prometheus}/-/ready", timeout=DEADLINE).ok
    except requests.ConnectionError:
        return False


def test_a_killed_daemon_goes_on_where_it_was(
    tmp_path: Path, folder: Path, simulator: Simulator, account: SimulatedAccount
) -> None:
    config = configure(tmp_path, simulator, account, poll_interval="10s")
    names: list[str] = []
    for _ in range(2):
        with daemon(config, folder) as exporter:
            until(lambda: (folder / "journal.db").exists() and value(exporter, LISTED))
            until(lambda: len(removed(exporter)) == len(names))
            exporter.stop(signal.SIGKILL)
        names.insert(0, remove(simulator))

    with daemon(config, folder) as exporter:
        until(lambda: removed(exporter) == names)
        assert value(exporter, 'scm_csr_removed_total{account="production"}') == "2.0"
        assert value(exporter, "csr_exporter_storage_failures_total") == "0.0"


LISTED = 'scm_csr_listed{account="production"}'


def test_the_stored_inventory_is_served_until_the_first_poll_ends(
    tmp_path: Path, folder: Path, simulator: Simulator, account: SimulatedAccount
) -> None:
    config = configure(tmp_path, simulator, account)
    with daemon(config, folder) as exporter:
        exporter.stop()
    simulator.inject(None, SimulatedFault(Latency(15)))

    with daemon(config, folder, wait=False) as exporter:
        page = exporter.get("/metrics").text
        ready = exporter.get("/-/ready").status_code

    assert f"\n{LISTED} 12.0\n" in page
    assert '\nscm_csr_up{account="production"} 0.0\n' in page
    assert '\nscm_csr_added_total{account="production"} 0.0\n' in page
    assert "csr_exporter_last_poll_timestamp_seconds{" not in page
    assert ready == 503


def test_an_account_whose_key_changed_starts_anew(tmp_path: Path, folder: Path) -> None:
    one, other = SimulatedAccount("one", csrs=5, seed=1), SimulatedAccount("other", csrs=7, seed=2)
    with Simulator([one, other]) as simulator:
        with daemon(configure(tmp_path, simulator, one), folder) as exporter:
            exporter.stop()
        with daemon(configure(tmp_path, simulator, other), folder) as exporter:
            assert value(exporter, LISTED) == "7.0"
            assert value(exporter, 'scm_csr_removed_total{account="production"}') == "0.0"
            assert exporter.get("/changes.json").json()["changes"] == []
            exporter.stop()
            assert "account_starts_anew" in "".join(exporter.err)

    secrets = [one.access_key, one.secret_key, other.access_key, other.secret_key]
    content = b"".join(each.read_bytes() for each in folder.iterdir())
    assert [secret for secret in secrets if secret.encode() in content] == []


def test_a_second_daemon_on_the_same_folder_is_refused(
    tmp_path: Path, folder: Path, simulator: Simulator, account: SimulatedAccount
) -> None:
    config = configure(tmp_path, simulator, account)

    with daemon(config, folder):
        second = ended("run", f"--config.file={config}", f"--storage.path={folder}", "--web.listen-address=127.0.0.1:0")

    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr.endswith(f"Error: {folder}: another csr-exporter keeps its journal here\n")


def test_storage_that_is_no_folder_stops_neither_polls_nor_scrapes(
    tmp_path: Path, simulator: Simulator, account: SimulatedAccount
) -> None:
    config, obstacle = configure(tmp_path, simulator, account), tmp_path / "obstacle"
    obstacle.write_text("", encoding="utf-8")

    with daemon(config, obstacle / "storage") as exporter:
        assert value(exporter, 'scm_csr_up{account="production"}') == "1.0"
        assert float(value(exporter, "csr_exporter_storage_failures_total") or 0) >= 1
        assert "The storage is failing" in exporter.get("/changes").text
        exporter.stop()

    assert "".join(exporter.err).count("storage_failed") == 1
