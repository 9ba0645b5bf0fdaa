"""A real Prometheus scrapes a running exporter."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator

import pytest
import requests
import yaml

from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.fakes import aksk
from tests.processes import DEADLINE, Running, running, tool, until
from tests.scraping import scraping

PRODUCTION = SimulatedAccount("production", csrs=140, offset_mode="record", seed=7)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator([PRODUCTION]) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def exporter(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    account = {"name": "production", "endpoint": simulator.url, "credentials": aksk(PRODUCTION)}
    file = tmp_path_factory.mktemp("exporter") / "config.yml"
    file.write_text(yaml.safe_dump({"accounts": [account]}), encoding="utf-8")
    with running("run", f"--config.file={file}") as exporter:
        yield exporter.ready()


@pytest.fixture(scope="module")
def prometheus(exporter: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus that scrapes *exporter* every second."""
    with scraping(tmp_path_factory.mktemp("prometheus"), exporter) as address:
        yield address


def query(prometheus: str, expression: str) -> list[tuple[dict[str, str], float]]:
    """The result of *expression*, once it is not empty."""

    def ask() -> list[tuple[dict[str, str], float]]:
        try:
            response = requests.get(f"{prometheus}/api/v1/query", params={"query": expression}, timeout=DEADLINE)
        except requests.ConnectionError:
            return []
        if not response.ok:
            return []
        return [(each["metric"], float(each["value"][1])) for each in response.json()["data"]["result"]]

    return until(ask)


def test_prometheus_has_the_same_counts_per_algorithm_as_the_service(simulator: Simulator, prometheus: str) -> None:
    held = Counter(record["private_key_algo"] for record in simulator.records("production"))

    found = {labels["private_key_algo"]: count for labels, count in query(prometheus, "scm_csrs > 0")}

    assert found == held
    assert query(prometheus, "sum(scm_csrs) == scalar(scm_csr_reported)")[0][1] == 140


def test_prometheus_knows_the_oldest_age(simulator: Simulator, prometheus: str) -> None:
    oldest = min(record["create_time"] for record in simulator.records("production")) / 1000

    ((_, created),) = query(prometheus, "min(scm_csr_oldest_create_timestamp_seconds)")
    ((_, difference),) = query(
        prometheus,
        "max(scm_csr_oldest_age_seconds) - (timestamp(scm_csr_up) - on() min(scm_csr_create_timestamp_seconds))",
    )

    assert created == pytest.approx(oldest)
    assert abs(difference) < 60  # a scrape on a busy machine takes its time


def test_prometheus_accepts_every_sample(prometheus: str) -> None:
    ((_, up),) = query(prometheus, "up")
    ((_, scraped),) = query(prometheus, "scrape_samples_scraped")

    assert up == 1
    assert scraped > 140 * 4


def test_promtool_has_no_complaint(exporter: Running) -> None:
    promtool = tool("promtool", "prometheus")

    result = subprocess.run(
        [promtool, "check", "metrics"],
        input=exporter.get("/metrics").text,
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
