"""The recipes, run: all that an exporter shows arrives where each of them sends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.fakes import aksk
from tests.processes import DEADLINE, Running, prometheus_in, running, tool, until
from tests.recipes.programs import PAGE, agent, at_home, gate, receiving_prometheus, victoria_metrics

Series = tuple[str, frozenset[tuple[str, str]]]


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    account = SimulatedAccount("production", csrs=12)
    file = tmp_path_factory.mktemp("exporter") / "config.yml"
    with Simulator([account]) as simulator:
        settings = {"name": "production", "endpoint": simulator.url, "credentials": aksk(account)}
        file.write_text(yaml.safe_dump({"accounts": [settings]}), encoding="utf-8")
        with running("run", f"--config.file={file}") as exporter:
            yield exporter.ready()


LOST = {"otelcol-contrib": {"scm_csr_age_distribution_seconds_bucket"}}
"""What does not come through, as the page says."""


def series(labels: Mapping[str, str]) -> Series:
    added = {"__name__", "job", "instance"}
    kept = {name: value for name, value in labels.items() if value and name not in added}
    if "le" in kept:
        kept["le"] = str(float(kept["le"]))  # the collector writes 1 where others write 1.0
    return labels["__name__"], frozenset(kept.items())


def shown(exporter: Running) -> set[Series]:
    """What a scrape yields, and that there was one, which the alerts ask for."""
    families = text_string_to_metric_families(exporter.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return {("up", frozenset()), *(series({**each.labels, "__name__": each.name}) for each in samples)}


def arrived(receiver: str) -> set[Series]:
    """What *receiver* has of the job."""
    asked = {"match[]": '{job="csr-exporter"}'}
    try:
        response = requests.get(f"{receiver}/api/v1/series", params=asked, timeout=DEADLINE)
    except requests.ConnectionError:
        return set()
    return {series(each) for each in response.json()["data"]} if response.ok else set()


@pytest.mark.parametrize("name", ["prometheus", "vmagent", "otelcol-contrib"])
def test_all_that_is_shown_arrives_at_prometheus(name: str, exporter: Running, tmp_path: Path) -> None:
    expected = {each for each in shown(exporter) if each[0] not in LOST.get(name, ())}

    with (
        receiving_prometheus(tmp_path / "receiver") as receiver,
        agent(name, tmp_path, exporter.url, f"{receiver}/api/v1/write"),
    ):
        until(lambda: expected <= arrived(receiver))

        assert LOST.get(name, set()) & {name for name, _ in arrived(receiver)} == set()


def test_all_that_is_shown_arrives_at_victoriametrics(exporter: Running, tmp_path: Path) -> None:
    expected = shown(exporter)

    with (
        victoria_metrics(tmp_path / "receiver") as receiver,
        agent("vmagent", tmp_path, exporter.url, f"{receiver}/api/v1/write"),
    ):
        until(lambda: expected <= arrived(receiver))


def configured_for_aom(folder: Path, exporter: str, aom: str, code: str) -> None:
    """Prometheus' configuration of the page, in *folder*, with the access *code* in its file."""
    (folder / "code").write_text(code, encoding="utf-8")
    text = at_home(PAGE.block("yaml", "scrape_configs:").text, exporter, f"{aom}/v1/PROJECT_ID/push")
    text = text.replace("/etc/prometheus/aom-access-code", str(folder / "code"))
    (folder / "prometheus.yml").write_text(text, encoding="utf-8")


def test_what_is_written_to_aom_arrives_with_the_access_code(exporter: Running, tmp_path: Path) -> None:
    expected = shown(exporter)

    with receiving_prometheus(tmp_path / "receiver") as receiver, gate("code", receiver) as aom:
        configured_for_aom(tmp_path, exporter.url, aom.url, "code")
        with prometheus_in(tool("prometheus", "prometheus"), tmp_path):
            until(lambda: expected <= arrived(receiver))

    assert aom.refused == 0


def test_nothing_arrives_with_another_access_code(exporter: Running, tmp_path: Path) -> None:
    with receiving_prometheus(tmp_path / "receiver") as receiver, gate("code", receiver) as aom:
        configured_for_aom(tmp_path, exporter.url, aom.url, "another")
        with prometheus_in(tool("prometheus", "prometheus"), tmp_path):
            until(lambda: aom.refused)

        assert arrived(receiver) == set()
