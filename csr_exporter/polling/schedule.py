"""When to poll: at once, then at each account's interval, one poll of an account at a time."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import BasePoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from csr_exporter.polling.threads import DaemonThreads

JITTER = 0.1
"""Part of the interval by which its length varies, so that accounts and replicas drift apart."""

MOST_POLLS_AT_ONCE = 256
"""Threads. So many accounts can hang before others wait for them, and no poll hangs longer than ``poll_timeout``."""

Poll = Callable[[float | None], None]
"""Polls an account; is given when it will be called again, in Unix seconds."""


class Schedule:
    """Calls polls in daemon threads while a ``with running()`` block lasts: one that hangs delays no other."""

    def __init__(self) -> None:
        self._scheduler = BackgroundScheduler(executors={"default": _Threads()}, timezone=UTC)

    @property
    def alive(self) -> bool:
        """Whether polls are still being started."""
        return bool(self._scheduler.running) and any(t.name == "APScheduler" for t in threading.enumerate())

    @contextmanager
    def running(self) -> Iterator[None]:
        self._scheduler.start()
        try:
            yield
        finally:
            self._scheduler.shutdown(wait=False)

    def add(self, key: str, poll: Poll, interval: float) -> None:
        """Call *poll* now and then every *interval* seconds, until *key* is removed."""
        now = datetime.now(UTC)
        self._scheduler.add_job(
            self._run,
            _Intervals(interval, first=now),
            args=[key, poll],
            id=key,
            next_run_time=now,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )

    def remove(self, key: str) -> None:
        self._scheduler.remove_job(key)

    def _run(self, key: str, poll: Poll) -> None:
        job = self._scheduler.get_job(key)
        poll(job.next_run_time.timestamp() if job and job.next_run_time else None)


class _Threads(BasePoolExecutor):  # type: ignore[misc] # APScheduler ships no types
    """The executor of APScheduler over daemon threads; its own class for this makes a pool that delays exit."""

    def __init__(self) -> None:
        super().__init__(DaemonThreads(MOST_POLLS_AT_ONCE, "poll"))


class _Intervals(BaseTrigger):  # type: ignore[misc] # likewise
    """Intervals of *seconds* with jitter.

    The first lasts between half of one and one and a half: accounts are polled together at the start, and from then
    on evenly spread. Each is counted from the present, not from the call before, so that a clock that jumped ahead
    by years makes one call late and not thousands due. Unlike the library's own it asks for no local time zone.
    """

    def __init__(self, seconds: float, first: datetime) -> None:
        self._seconds = seconds
        self._first = first

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        spread = 0.5 if previous_fire_time == self._first else JITTER / 2
        return now + timedelta(seconds=self._seconds * random.uniform(1 - spread, 1 + spread))  # noqa: S311 - no secret
