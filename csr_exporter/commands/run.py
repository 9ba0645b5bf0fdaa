"""The daemon: every account polled in the background, and served as it is known."""

from __future__ import annotations

import contextlib
import hashlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog
from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from csr_exporter import __version__
from csr_exporter.cloud.auth import Pool
from csr_exporter.config import AccountConfig, Config, ConfigError
from csr_exporter.exposition import prepare
from csr_exporter.metrics import Exposed
from csr_exporter.polling.accounts import exposed_by, poller_for
from csr_exporter.polling.poller import Poller
from csr_exporter.polling.sharding import EVERYTHING, Shard
from csr_exporter.status import Reloads, Status
from csr_exporter.web.listeners import WebOptions, open_listeners
from csr_exporter.web.server import Listener, serve

log = structlog.get_logger()

JITTER = 0.1
"""Part of the interval within which a poll may come early or late, lest accounts and replicas ask in step."""


MOST_POLLS_AT_ONCE = 256
"""Threads. As many accounts can hang before others wait for them, and no poll hangs longer than ``poll_timeout``."""


class _Threads(BaseExecutor):  # type: ignore[misc] # APScheduler ships no types
    """Runs polls in daemon threads, which do not delay the end and go when nothing waits: one that hangs delays no
    other while fewer than `MOST_POLLS_AT_ONCE` do.
    """

    def __init__(self) -> None:
        super().__init__()
        self._polls = threading.Lock()
        self._waiting: deque[tuple[Any, list[datetime]]] = deque()
        self._running = 0

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:  # noqa: ANN401 - likewise
        with self._polls:
            self._waiting.append((job, run_times))
            if self._running == MOST_POLLS_AT_ONCE:
                return
            self._running += 1
        threading.Thread(target=self._work, name="poll", daemon=True).start()

    def _work(self) -> None:
        while poll := self._next():
            self._run(*poll)

    def _next(self) -> tuple[Any, list[datetime]] | None:
        with self._polls:
            if self._waiting:
                return self._waiting.popleft()
            self._running -= 1
            return None

    def _run(self, job: Any, run_times: list[datetime]) -> None:  # noqa: ANN401 - likewise
        events = run_job(job, job._jobstore_alias, run_times, self._logger.name)  # noqa: SLF001 - as executors do
        self._run_job_success(job.id, events)


class _Spread(IntervalTrigger):  # type: ignore[misc] # likewise
    """Intervals with jitter, the first between half of one and one and a half: accounts begin all at once, and from
    then on their polls are spread evenly.
    """

    _begun = False

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        if self._begun or previous_fire_time is None:
            return super().get_next_fire_time(previous_fire_time, now)  # type: ignore[no-any-return] # likewise
        self._begun = True
        return previous_fire_time + self.interval * random.uniform(0.5, 1.5)  # type: ignore[no-any-return] # noqa: S311 - no secret


class Daemon:
    """Polls the accounts of the configuration in force while a ``with polling()`` block lasts.

    *read* reads the configuration; raises `ConfigError`, at first too. Of its accounts, those of *shard* are polled.
    """

    def __init__(self, read: Callable[[], Config], shard: Shard = EVERYTHING) -> None:
        self._read = read
        self._shard = shard
        self._config = read()
        self._stopping = threading.Event()
        self._tokens = Pool()
        self._pollers = {account.name: self._poller(account) for account in self._accounts_of(self._config)}
        self._scheduler = BackgroundScheduler(executors={"default": _Threads()}, timezone=UTC)
        self._reloads = self._read_successfully()
        self._reloading = threading.Lock()  # a signal and a request may ask at the same time

    @property
    def statuses(self) -> Sequence[Status]:
        return [poller.status for poller in self._pollers.values()]

    @property
    def configuration(self) -> str:
        """The configuration in force as YAML, without its secrets."""
        return self._config.shown()

    @property
    def exposed(self) -> Exposed:
        return exposed_by(self._config)

    @property
    def reloads(self) -> Reloads:
        return self._reloads

    @property
    def alive(self) -> bool:
        """Whether polls are still being scheduled."""
        return bool(self._scheduler.running) and any(t.name == "APScheduler" for t in threading.enumerate())

    @contextmanager
    def polling(self) -> Iterator[None]:
        """Poll each account now and then at its interval until the block ends."""
        for poller in self._pollers.values():
            self._schedule(poller)
        self._scheduler.start()
        try:
            yield
        finally:
            self._stopping.set()
            self._scheduler.shutdown(wait=False)

    def reload(self) -> None:
        """Read the configuration again and follow it; accounts that it does not change keep all that is known.

        Raises `ConfigError` with all mistakes; then nothing has changed.
        """
        with self._reloading:
            self._reload()

    def _reload(self) -> None:
        try:
            config = self._read()
        except ConfigError as error:
            self._reloads = replace(self._reloads, successful=False)
            log.warning("configuration_rejected", detail="; ".join(error.mistakes))
            raise
        self._follow(config)
        self._reloads = self._read_successfully()
        log.info("configuration_reloaded", accounts=len(self._pollers), config_hash=self._reloads.config_hash)

    def _read_successfully(self) -> Reloads:
        config = self._config
        shard = self._shard
        return Reloads(
            config_hash(config), time.time(), accounts=len(config.accounts), shard=shard.index, shards=shard.count
        )

    def _accounts_of(self, config: Config) -> list[AccountConfig]:
        return [account for account in config.accounts if self._shard.holds(account.name)]

    def try_reload(self) -> None:
        """Reload for a signal, which nobody can answer: mistakes are logged and counted."""
        with contextlib.suppress(ConfigError):
            self.reload()

    def _follow(self, config: Config) -> None:
        """Put *config* in force: drop, add and replace pollers; one whose settings are as before goes on untouched."""
        before, self._config = self._config, config
        accounts = self._accounts_of(config)
        unchanged = {account.name for account in accounts if account in before.accounts}
        untouched = unchanged if _polling_settings(before) == _polling_settings(config) else set()
        old, new = self._pollers, {}
        for account in accounts:
            name = account.name
            new[name] = old[name] if name in untouched else self._poller(account)
            if name in unchanged - untouched:
                new[name].inherit(old[name])
        self._pollers = new
        for name in old.keys() - untouched:
            self._scheduler.remove_job(_job_id(old[name]))
        for name in new.keys() - untouched:
            self._schedule(new[name])

    def _poller(self, account: AccountConfig) -> Poller:
        return poller_for(self._config, account, self._tokens, self._sleep)

    def _schedule(self, poller: Poller) -> None:
        interval = poller.status.account.poll_interval
        self._scheduler.add_job(
            self._poll,
            _Spread(seconds=interval * (1 - JITTER / 2), jitter=interval * JITTER),
            args=[poller],
            id=_job_id(poller),
            next_run_time=datetime.now(UTC),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )

    def _poll(self, poller: Poller) -> None:
        job = self._scheduler.get_job(_job_id(poller))
        poller.poll(job.next_run_time.timestamp() if job and job.next_run_time else None)
        prepare(poller.status, self.exposed, time.time())

    def _sleep(self, seconds: float) -> None:
        self._stopping.wait(seconds)


def _job_id(poller: Poller) -> str:
    """Another one for each poller, lest the last poll of a replaced one keep its successor waiting."""
    return f"{poller.status.account.name} {id(poller)}"


def _polling_settings(config: Config) -> dict[str, object]:
    """What pollers are made from, besides their account."""
    return config.model_dump(exclude={"accounts", "per_csr", "age_buckets"})


def config_hash(config: Config) -> str:
    """A short hash of *config*, without the secrets: they are not in its dump."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:16]


def run(
    read: Callable[[], Config],
    options: WebOptions,
    ready: Callable[[Sequence[Listener]], None],
    shard: Shard = EVERYTHING,
) -> None:
    """Poll the accounts of *shard* and serve until a signal arrives; call *ready* once connections are taken.

    *read* reads the configuration, now and at each SIGHUP. Raises `ConfigError` and `AddressError`.
    """
    daemon = Daemon(read, shard)
    with open_listeners(daemon, options) as listeners:

        def started() -> None:
            ready(listeners)
            urls = ",".join(each for listener in listeners for each in listener.urls)
            log.info("server_started", urls=urls, accounts=len(daemon.statuses), version=__version__)

        with daemon.polling():
            serve(listeners, started, options.confirming(daemon.try_reload))
    log.info("server_stopped")
