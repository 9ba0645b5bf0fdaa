"""The schedule: when polls are called, whatever the clock, the time zone and other polls do."""

from __future__ import annotations

import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from csr_exporter.polling.schedule import JITTER, Intervals, Schedule
from tests.clock import WallClock
from tests.processes import DEADLINE, listening, until

HOUR = 3600.0
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Calls:
    """A poll that notes when it will be called again, and hangs while it is told to."""

    def __init__(self) -> None:
        self.planned: list[float | None] = []
        self._came = threading.Condition()
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self, next_call: float | None) -> None:
        with self._came:
            self.planned.append(next_call)
            self._came.notify_all()
        self.may_end.wait(DEADLINE)

    def came(self, number: int) -> bool:
        with self._came:
            return self._came.wait_for(lambda: len(self.planned) >= number, DEADLINE)


class Clock:
    """The time, until it is set."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def test_a_poll_is_called_at_once_and_told_when_it_will_be_called_again() -> None:
    schedule, calls, begun = Schedule(), Calls(), time.time()

    with schedule.running():
        schedule.add("one", calls, interval=HOUR, timeout=1)

        assert calls.came(1)
    assert calls.planned[0] is not None
    assert begun + HOUR / 2 <= calls.planned[0] <= time.time() + HOUR * 1.5


def test_a_poll_that_hangs_delays_no_other() -> None:
    schedule, hanging, other = Schedule(), Calls(), Calls()
    hanging.may_end.clear()

    with schedule.running():
        schedule.add("hanging", hanging, interval=HOUR, timeout=1)
        assert hanging.came(1)
        schedule.add("other", other, interval=0.05, timeout=1)

        assert other.came(3)
    hanging.may_end.set()


def test_what_is_removed_is_not_called_again() -> None:
    schedule, removed, other = Schedule(), Calls(), Calls()
    with schedule.running():
        schedule.add("removed", removed, interval=0.05, timeout=1)
        assert removed.came(1)
        removed.may_end.clear()
        schedule.remove("removed")
        before = len(removed.planned)
        removed.may_end.set()

        schedule.add("other", other, interval=0.05, timeout=1)
        assert other.came(5)

    assert len(removed.planned) <= before + 1  # one may have been under way


def test_calls_follow_a_clock_that_is_set() -> None:
    clock, calls = Clock(), Calls()
    schedule = Schedule(now=clock, clock_check=0.01)

    with schedule.running():
        schedule.add("one", calls, interval=HOUR, timeout=1)
        assert calls.came(1)
        # The library reads the real clock, so what is planned in an hour and a half at most is due when moved by two.
        clock.ahead = -2 * HOUR

        assert calls.came(2)


CALLING = """
import sys
from csr_exporter.polling.schedule import Schedule

schedule = Schedule(clock_check=0.2)
with schedule.running():
    schedule.add("one", lambda _: print("called", flush=True), interval=0.05, timeout=1)
    sys.stdin.read()
"""


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_calls_planned_after_the_clock_was_set_and_before_that_is_noticed_stay_as_they_are(
    tmp_path: Path, ahead: int
) -> None:
    clock = WallClock(tmp_path)
    with listening(sys.executable, "-c", CALLING, **clock.environment) as process:
        until(lambda: process.out)
        clock.set(ahead)
        until(lambda: any("clock_set" in line for line in process.out))
        before = len(process.out)

        until(lambda: len(process.out) > before + 5)


def test_a_schedule_is_alive_while_it_runs_and_calls_come() -> None:
    schedule, calls = Schedule(), Calls()
    alive = [schedule.alive]

    with schedule.running():
        schedule.add("one", calls, interval=HOUR, timeout=1)
        assert calls.came(1)
        alive.append(schedule.alive)
    alive.append(schedule.alive)

    assert alive == [False, True, False]


def test_a_schedule_with_an_overdue_call_is_not_alive() -> None:
    schedule, calls = Schedule(), Calls()
    calls.may_end.clear()

    with schedule.running():
        schedule.add("one", calls, interval=0.05, timeout=0.05)
        assert calls.came(1)

        until(lambda: not schedule.alive)
    calls.may_end.set()


@pytest.mark.parametrize("jump", [timedelta(0), timedelta(days=20_000), timedelta(days=-20_000)])
def test_the_next_call_is_one_interval_from_now_whatever_the_clock_said_before(jump: timedelta) -> None:
    first, now = NOON, NOON + jump

    following = Intervals(300, first).get_next_fire_time(NOON - timedelta(days=1), now)

    assert abs((following - now).total_seconds() - 300) <= 300 * JITTER / 2


def test_first_intervals_are_spread_evenly_over_one() -> None:
    trigger = Intervals(300, NOON)

    spans = [(trigger.get_next_fire_time(NOON, NOON) - NOON).total_seconds() for _ in range(200)]

    assert 150 <= min(spans) < 180
    assert 420 < max(spans) <= 450
