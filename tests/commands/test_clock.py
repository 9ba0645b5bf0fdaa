"""A daemon whose clock is set, or whose time zone is a strange one."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.clock import HOUR, WallClock
from tests.processes import Running, running, until

PRODUCTION = SimulatedAccount("production", csrs=20, seed=5)


@pytest.fixture
def settings() -> Iterator[dict[str, str]]:
    """The environment of an exporter with one account."""
    with Simulator([PRODUCTION]) as simulator:
        yield {
            "CSR_EXPORTER_ENDPOINT": simulator.url,
            "CSR_EXPORTER_POLL_INTERVAL": "10s",
            "CSR_EXPORTER_TOKEN": PRODUCTION.token,  # no signature, which a wrong clock would make invalid
        }


@pytest.mark.parametrize("zone", ["CST-8", "UTC0", "Nowhere/At_All"])
def test_run_polls_in_any_time_zone(settings: dict[str, str], zone: str) -> None:
    with running("run", **settings, TZ=zone) as exporter:
        up = exporter.ready().get("/status.json").json()["accounts"][0]["up"]
        code = exporter.stop()

    assert (up, code) == (True, 0), "".join(exporter.err)


def test_polls_go_on_when_the_clock_is_set_back_and_forth(settings: dict[str, str], tmp_path: Path) -> None:
    clock = WallClock(tmp_path)
    with running("run", **settings, **clock.environment) as exporter:
        exporter.ready()
        for ahead in (-HOUR, HOUR):
            clock.set(ahead)

            assert health_until_a_poll(exporter) == {200}
            assert abs(value(exporter, "last_success_timestamp_seconds") - (time.time() + ahead)) < HOUR / 2
        exporter.stop()

    steps = re.findall(r"event=clock_set seconds=(\S+)", "".join(exporter.err))
    assert [round(float(each) / HOUR) for each in steps] == [-1, 2]


def health_until_a_poll(exporter: Running) -> set[int]:
    """What ``/-/healthy`` answers until the next poll has ended."""
    before, found = value(exporter, "polls_total"), set()

    def ended() -> bool:
        found.add(exporter.get("/-/healthy").status_code)
        return value(exporter, "polls_total") > before

    until(ended)
    return found


def value(exporter: Running, metric: str) -> float:
    text = exporter.get("/metrics").text
    found = re.search(rf"^csr_exporter_{metric}{{\S*}} (\S+)$", text, re.MULTILINE)
    assert found
    return float(found[1])
