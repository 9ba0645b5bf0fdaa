"""The daemon: every account polled in the background, and served as it is known."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from csr_exporter import __version__
from csr_exporter.accounts import exposed_by, poller_for
from csr_exporter.config import Config
from csr_exporter.metrics import Exposed
from csr_exporter.poller import Poller
from csr_exporter.server import Site, serve
from csr_exporter.serving import Web, sites_of
from csr_exporter.status import Reloads, Status

log = structlog.get_logger()

JITTER = 0.1
"""Part of the interval within which a poll may come early or late, lest accounts and replicas ask in step."""


class _Threads(BaseExecutor):  # type: ignore[misc] # APScheduler ships no types
    """Runs each poll in a daemon thread of its own: one that hangs delays neither another nor the end of it all."""

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:  # noqa: ANN401 - likewise
        threading.Thread(target=self._run, args=(job, run_times), name=f"poll {job.id}", daemon=True).start()

    def _run(self, job: Any, run_times: list[datetime]) -> None:  # noqa: ANN401 - likewise
        events = run_job(job, job._jobstore_alias, run_times, self._logger.name)  # noqa: SLF001 - as executors do
        self._run_job_success(job.id, events)


class Daemon:
    """Polls the accounts of *config* while a ``with polling()`` block lasts."""

    def __init__(self, config: Config) -> None:
        self._stopping = threading.Event()
        self._pollers = [poller_for(config, account, self._sleep) for account in config.accounts]
        self._interval = config.poll_interval
        self._scheduler = BackgroundScheduler(executors={"default": _Threads()}, timezone=UTC)
        self._exposed = exposed_by(config)
        self._reloads = Reloads(config_hash(config), time.time())

    @property
    def statuses(self) -> Sequence[Status]:
        return [poller.status for poller in self._pollers]

    @property
    def exposed(self) -> Exposed:
        return self._exposed

    @property
    def reloads(self) -> Reloads:
        return self._reloads

    @property
    def alive(self) -> bool:
        """Whether polls are still being scheduled."""
        return bool(self._scheduler.running) and any(t.name == "APScheduler" for t in threading.enumerate())

    def reload(self) -> None:
        """Read the configuration again. Raises `ConfigError` with all mistakes, and then nothing has changed."""

    @contextmanager
    def polling(self) -> Iterator[None]:
        """Poll each account now and then at its interval until the block ends."""
        for poller in self._pollers:
            self._schedule(poller)
        self._scheduler.start()
        try:
            yield
        finally:
            self._stopping.set()
            self._scheduler.shutdown(wait=False)

    def _schedule(self, poller: Poller) -> None:
        name = poller.status.account.name
        self._scheduler.add_job(
            self._poll,
            IntervalTrigger(seconds=self._interval * (1 - JITTER / 2), jitter=self._interval * JITTER),
            args=[poller],
            id=name,
            next_run_time=datetime.now(UTC),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )

    def _poll(self, poller: Poller) -> None:
        job = self._scheduler.get_job(poller.status.account.name)
        poller.poll(job.next_run_time.timestamp() if job and job.next_run_time else None)

    def _sleep(self, seconds: float) -> None:
        self._stopping.wait(seconds)


def config_hash(config: Config) -> str:
    """A short hash of *config*, without the secrets: they are not in its dump."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:16]


def run(config: Config, web: Web, ready: Callable[[Sequence[Site]], None]) -> None:
    """Poll and serve until a signal arrives; call *ready* with the sites once connections are taken."""
    daemon = Daemon(config)
    with sites_of(daemon, web) as sites:

        def started() -> None:
            ready(sites)
            urls = ",".join(each for site in sites for each in site.urls)
            log.info("server_started", urls=urls, accounts=len(daemon.statuses), version=__version__)

        with daemon.polling():
            serve(sites, started)
    log.info("server_stopped")
