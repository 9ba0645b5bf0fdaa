"""The daemon: every account polled in the background, and served as it is known."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace

import structlog

from csr_exporter import __version__
from csr_exporter.cloud.auth import Leases
from csr_exporter.config import AccountConfig, Config, ConfigError
from csr_exporter.exposition import prepare
from csr_exporter.journal import Journal
from csr_exporter.metrics import Exposed
from csr_exporter.policy import judged, last_judged
from csr_exporter.polling.accounts import exposed_by, identity_of, poller_for
from csr_exporter.polling.poller import Poller
from csr_exporter.polling.schedule import Schedule
from csr_exporter.polling.sharding import EVERYTHING, Shard
from csr_exporter.status import Reloads, Status
from csr_exporter.web.listeners import WebOptions, open_listeners
from csr_exporter.web.server import Listener, serve

log = structlog.get_logger()

_M_ARENA_MAX = -8
"""mallopt(3), malloc.h."""

MakePoller = Callable[[Config, AccountConfig, Leases, Callable[[float], None]], Poller]


class Daemon:
    """Polls the accounts of the configuration in force while a ``with polling()`` block lasts.

    *read* reads the configuration; raises `ConfigError`, at first too. Of its accounts, those of *shard* are polled,
    by what *make_poller* makes of them. *journal* has what is known from before, and records what they find.
    """

    def __init__(
        self,
        read: Callable[[], Config],
        shard: Shard = EVERYTHING,
        make_poller: MakePoller = poller_for,
        journal: Journal | None = None,
    ) -> None:
        self.journal = journal or Journal()
        self._read = read
        self._shard = shard
        self._make_poller = make_poller
        self._stopping = threading.Event()
        self._leases = Leases()
        self._schedule = Schedule()
        self._reloading = threading.Lock()  # a signal and a request may ask at the same time
        self._config = read()
        self._exposed = exposed_by(self._config)
        self._pollers = self._pollers_for(self._config, {})
        self._reloads = self._read_successfully()

    @property
    def statuses(self) -> Sequence[Status]:
        return [poller.status for poller in self._pollers.values()]

    @property
    def configuration(self) -> str:
        """The configuration in force as YAML, without its secrets."""
        return self._config.shown()

    @property
    def exposed(self) -> Exposed:
        return self._exposed

    @property
    def reloads(self) -> Reloads:
        return self._reloads

    @property
    def alive(self) -> bool:
        """Whether polls are still being started, and none is overdue."""
        return self._schedule.alive

    @contextmanager
    def polling(self) -> Iterator[None]:
        """Poll each account now and then at its interval until the block ends."""
        self._reschedule({}, self._pollers)
        with closing(self.journal), self._schedule.running():
            try:
                yield
            finally:
                self._stopping.set()

    def reload(self) -> None:
        """Read the configuration again and follow it; accounts that it does not change keep all that is known.

        Whatever is raised, and it is `ConfigError` for mistakes, all of the old configuration stays in force.
        """
        with self._reloading:
            try:
                config = self._read()
                pollers = self._pollers_for(config, self._pollers)
            except Exception as error:
                self._reloads = replace(self._reloads, successful=False)
                _log_rejected(error)
                raise
            before, self._config, self._pollers = self._pollers, config, pollers
            # An equal one stays the same: caches that know it need not compare all of a policy at each scrape.
            self._exposed = self._exposed if exposed_by(config) == self._exposed else exposed_by(config)
            self._reschedule(before, pollers)
            self._reloads = self._read_successfully()
            log.info("configuration_reloaded", accounts=len(pollers), config_hash=self._reloads.config_hash)

    def try_reload(self) -> None:
        """Reload for a signal, which nobody can answer: what is wrong is logged and counted."""
        with contextlib.suppress(Exception):
            self.reload()

    def _read_successfully(self) -> Reloads:
        config, shard = self._config, self._shard
        return Reloads(
            config_hash(config), time.time(), accounts=len(config.accounts), shard=shard.index, shards=shard.count
        )

    def _pollers_for(self, config: Config, before: Mapping[str, Poller]) -> dict[str, Poller]:
        """The pollers that *config* asks for: the one of *before* where nothing that it is made from has changed."""
        unchanged = {account.name for account in config.accounts if account in self._config.accounts} & before.keys()
        same_settings = _polling_settings(self._config) == _polling_settings(config)
        pollers = {}
        for account in config.accounts:
            if not self._shard.holds(account.name):
                continue
            if account.name in unchanged and same_settings:
                pollers[account.name] = before[account.name]
                continue
            poller = self._make_poller(config, account, self._leases, self._sleep)
            if account.name in unchanged:
                poller.inherit(before[account.name])
            elif remembered := self.journal.remembered(account.name, identity_of(account)):
                poller.remember(remembered)
            pollers[account.name] = poller
        return pollers

    def _reschedule(self, before: Mapping[str, Poller], after: Mapping[str, Poller]) -> None:
        kept, timeout = set(before.values()) & set(after.values()), self._config.poll_timeout
        accounts = {account.name: account for account in self._config.accounts}
        for poller in set(before.values()) - kept:
            self._schedule.remove(_key(poller))
        for name, poller in after.items():
            if poller not in kept:
                interval = poller.status.account.poll_interval
                self._schedule.add(_key(poller), self._polling_of(poller, accounts[name]), interval, timeout)

    def _polling_of(self, poller: Poller, account: AccountConfig) -> Callable[[float | None], None]:
        def poll(next_poll: float | None) -> None:
            before, earlier = poller.status.complete, last_judged(poller.status.snapshot)
            poller.poll(next_poll)
            status = poller.status
            # What replaced it in the meantime finds the same changes again.
            if status.complete is not before and self._pollers.get(account.name) is poller:
                self.journal.record(account.name, identity_of(account), status.remembered, status.changes)
            if earlier and status.snapshot:
                judged(account.name, status.snapshot, self.exposed.policy, earlier)
            prepare(status, self.exposed, time.time())

        return poll

    def _sleep(self, seconds: float) -> None:
        self._stopping.wait(seconds)


def _key(poller: Poller) -> str:
    """Another one for each poller: the last poll of a replaced one must not keep its successor waiting."""
    return f"{poller.status.account.name} {id(poller)}"


def _log_rejected(error: Exception) -> None:
    if isinstance(error, ConfigError):
        log.warning("configuration_rejected", detail="; ".join(error.mistakes))
    else:
        log.error("reload_crashed", exc_info=error)


def _polling_settings(config: Config) -> dict[str, object]:
    """What pollers are made from, besides their account."""
    return config.model_dump(exclude={"accounts", "per_csr", "age_buckets", "owners", "policy", "waivers"})


def config_hash(config: Config) -> str:
    """A short hash of *config*, without the secrets: they are not in its dump."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:16]


def share_heap() -> None:
    """Let all threads that are yet to start allocate from one heap, where the C library is that of GNU.

    With a heap for each thread, polls leave gaps in every one: 10 MiB more after three minutes of `make soak`.
    """
    with contextlib.suppress(AttributeError, OSError):  # other C libraries have one heap, and no such setting
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def run(
    read: Callable[[], Config],
    options: WebOptions,
    ready: Callable[[Sequence[Listener]], None],
    shard: Shard = EVERYTHING,
    journal: Journal | None = None,
) -> None:
    """Poll the accounts of *shard* and serve until a signal arrives; call *ready* once connections are taken.

    *read* reads the configuration, now and at each SIGHUP. Raises `ConfigError`, `AddressError` and
    `JournalInUseError`.
    """
    journal = journal or Journal()
    with closing(journal):
        journal.open()
        daemon = Daemon(read, shard, journal=journal)
        gc.freeze()  # what was imported stays, and no collection need look at it: that took an eighth of a large poll
        with open_listeners(daemon, options) as listeners:

            def started() -> None:
                ready(listeners)
                urls = ",".join(each for listener in listeners for each in listener.urls)
                log.info("server_started", urls=urls, accounts=len(daemon.statuses), version=__version__)

            with daemon.polling():
                serve(listeners, started, options.confirming(daemon.try_reload))
    log.info("server_stopped")
