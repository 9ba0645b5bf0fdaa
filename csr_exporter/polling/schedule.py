"""When to poll: at once, then at each account's interval, one poll of an account at a time."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.executors.pool import BasePoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from csr_exporter.polling.threads import DaemonThreads

log = structlog.get_logger()

JITTER = 0.1
"""Part of the interval by which its length varies, so that accounts and replicas drift apart."""

MOST_POLLS_AT_ONCE = 256
"""Threads. So many accounts can hang before others wait for them, and no poll hangs longer than ``poll_timeout``."""

CLOCK_CHECK = 5.0
"""Seconds between looks at the clock, which may have been set."""

CLOCK_JUMP = 1.0
"""Seconds by which the clock gains or loses between two looks only when it was set."""

PATIENCE = 3
"""So many intervals, and the time that a poll may take, after the start of a poll the next is overdue."""

Poll = Callable[[float | None], None]
"""Polls an account; is given when it will be called again, in Unix seconds."""


@dataclass(slots=True)
class _Call:
    """A poll that is called; it is overdue when it was not *begun*, by the monotonic clock, for *patience* seconds."""

    poll: Poll
    patience: float
    begun: float


class Schedule:
    """Calls polls in daemon threads while a ``with running()`` block lasts: one that hangs delays no other.

    Calls are planned by the wall clock, *now*, in Unix seconds. When that is set, all are planned anew.
    """

    def __init__(self, now: Callable[[], float] = time.time, clock_check: float = CLOCK_CHECK) -> None:
        self._now = now
        self._clock_check = clock_check
        self._calls: dict[str, _Call] = {}
        self._stopping = threading.Event()
        self._scheduler = BackgroundScheduler(executors={"default": _Threads()}, timezone=UTC)

    @property
    def alive(self) -> bool:
        """Whether polls are still being started, and none is overdue."""
        threads = (thread.name for thread in threading.enumerate())
        return bool(self._scheduler.running) and "APScheduler" in threads and not self._overdue()

    def _overdue(self) -> bool:
        now = time.monotonic()
        return any(now - call.begun > call.patience for call in list(self._calls.values()))

    @contextmanager
    def running(self) -> Iterator[None]:
        self._scheduler.start()
        threading.Thread(target=self._watch_clock, name="clock", daemon=True).start()
        try:
            yield
        finally:
            self._stopping.set()
            self._scheduler.shutdown(wait=False)

    def add(self, key: str, poll: Poll, interval: float, timeout: float) -> None:
        """Call *poll*, which takes *timeout* seconds at most, now and then every *interval*, until *key* is removed."""
        self._calls[key] = _Call(poll, PATIENCE * interval + timeout, time.monotonic())
        now = datetime.now(UTC)
        self._scheduler.add_job(
            self._run,
            Intervals(interval, first=now),
            args=[key],
            id=key,
            next_run_time=now,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )

    def remove(self, key: str) -> None:
        self._scheduler.remove_job(key)
        del self._calls[key]

    def _run(self, key: str) -> None:
        call, job = self._calls.get(key), self._scheduler.get_job(key)
        if call:
            call.begun = time.monotonic()
            call.poll(job.next_run_time.timestamp() if job and job.next_run_time else None)

    def _watch_clock(self) -> None:
        """Plan all calls anew when the clock is set: set back by an hour, it would make them wait an hour longer."""
        ahead = self._now() - time.monotonic()
        while not self._stopping.wait(self._clock_check):
            before, ahead = ahead, self._now() - time.monotonic()
            if abs(ahead - before) > CLOCK_JUMP:
                log.warning("clock_set", seconds=round(ahead - before, 3))
                self._plan_anew()

    def _plan_anew(self) -> None:
        for job in self._scheduler.get_jobs():
            # Not moved by the jump: what was planned since the clock was set is right already.
            due = self._now() + job.trigger.due - time.monotonic()
            with suppress(JobLookupError):  # removed meanwhile
                job.modify(next_run_time=datetime.fromtimestamp(due, UTC))


class _Threads(BasePoolExecutor):  # type: ignore[misc] # APScheduler ships no types
    """The executor of APScheduler over daemon threads; its own class for this makes a pool that delays exit."""

    def __init__(self) -> None:
        super().__init__(DaemonThreads(MOST_POLLS_AT_ONCE, "poll"))


class Intervals(BaseTrigger):  # type: ignore[misc] # likewise
    """Intervals of *seconds* with jitter.

    The first lasts between half of one and one and a half: accounts are polled together at the start, and from then
    on evenly spread. Each is counted from the present, not from the call before, so that a clock that jumped ahead
    by years makes one call late and not thousands due. Unlike the library's own it asks for no local time zone.
    """

    def __init__(self, seconds: float, first: datetime) -> None:
        self._seconds = seconds
        self._first = first
        self.due = time.monotonic()
        """When the next call is due by the monotonic clock, in seconds."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        spread = 0.5 if previous_fire_time == self._first else JITTER / 2
        span = self._seconds * random.uniform(1 - spread, 1 + spread)  # noqa: S311 - no secret
        self.due = time.monotonic() + span
        return now + timedelta(seconds=span)
