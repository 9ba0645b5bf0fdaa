"""Everything the exporter knows of an account, as one frozen value that each event replaces.

Metrics, readiness, page and JSON read the same `Status`, so they cannot disagree. Pure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from csr_exporter.inventory import (
    RETRIED,
    Change,
    ChangeKind,
    Exchange,
    Inventory,
    OffsetMode,
    Reason,
    Rejection,
    Service,
    Snapshot,
    SourceError,
    changes_between,
)

LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""Upper bounds of the latency histogram, in seconds; 20 is the default of ``request_timeout``."""


@dataclass(frozen=True, slots=True)
class Account:
    """The settings of an account that its status needs. Durations are in seconds."""

    name: str
    poll_interval: float = 300.0
    stale_after: float = 1800.0
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """A histogram over `LATENCY_BUCKETS` and infinity: counts per bucket, not cumulative, and the sum of seconds."""

    counts: tuple[int, ...] = (0,) * (len(LATENCY_BUCKETS) + 1)
    seconds: float = 0.0

    def after(self, seconds: float) -> Latency:
        bucket = bisect_left(LATENCY_BUCKETS, seconds)
        counts = (*self.counts[:bucket], self.counts[bucket] + 1, *self.counts[bucket + 1 :])
        return Latency(counts, self.seconds + seconds)


RECENT_POLLS = 24
"""How many polls of an account are remembered one by one."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """The requests sent for an account since the exporter started."""

    requests: Mapping[tuple[Service, str], int] = field(
        default_factory=lambda: {(Service.SCM, "200"): 0, (Service.SCM, "error"): 0}
    )
    latency: Mapping[Service, Latency] = field(default_factory=lambda: {Service.SCM: Latency()})
    retries: Mapping[tuple[Service, Reason], int] = field(
        default_factory=lambda: {(service, reason): 0 for service in Service for reason in RETRIED}
    )
    clock_skew: float | None = None

    @property
    def sent(self) -> int:
        """How many requests, including retries, went to all services."""
        return sum(self.requests.values())

    def after(self, exchange: Exchange) -> Traffic:
        key = (exchange.service, exchange.code)
        latency = self.latency.get(exchange.service, Latency()).after(exchange.seconds)
        return replace(
            self,
            requests={**self.requests, key: self.requests.get(key, 0) + 1},
            latency={**self.latency, exchange.service: latency},
            clock_skew=self.clock_skew if exchange.clock_skew is None else exchange.clock_skew,
        )

    def after_retry(self, service: Service, reason: Reason) -> Traffic:
        key = (service, reason)
        return replace(self, retries={**self.retries, key: self.retries[key] + 1})


@dataclass(frozen=True, slots=True)
class Churn:
    """How many changes were seen between complete inventories."""

    added: int = 0
    removed: int = 0
    renamed: int = 0

    def after(self, changes: Iterable[Change]) -> Churn:
        counts = Counter(change.kind for change in changes)
        return Churn(
            added=self.added + counts[ChangeKind.ADDED],
            removed=self.removed + counts[ChangeKind.REMOVED],
            renamed=self.renamed + counts[ChangeKind.RENAMED],
        )


@dataclass(frozen=True, slots=True)
class Complete:
    """The last complete inventory, and when the last poll ended that read or confirmed it."""

    inventory: Inventory
    at: float


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of an account from before this process started."""

    churn: Churn = Churn()
    complete: Complete | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """When a poll ended, how long it took, how many requests it sent, and why it failed, if it did."""

    ended_at: float
    seconds: float
    requests: int
    reason: Reason | None = None

    @property
    def started_at(self) -> float:
        return self.ended_at - self.seconds


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Status:
    """Everything the exporter knows of one account. Compared by identity, so that renderings can be cached for it.

    *changes* are those from the *complete* inventory before to that of the last poll; *churn* counts them.
    *last_poll* and *last_success* are when the last poll and the last good one ended. *waiting_until* is when a pause
    ends that followed a refusal, *next_poll* when the scheduler polls again. *recent* ends with the latest poll.
    """

    account: Account
    snapshot: Snapshot | None = None
    complete: Complete | None = None
    changes: tuple[Change, ...] = ()
    error: SourceError | None = None
    polls: int = 0
    failures: Mapping[Reason, int] = field(default_factory=lambda: dict.fromkeys(Reason, 0))
    rejected: Mapping[Rejection, int] = field(default_factory=lambda: dict.fromkeys(Rejection, 0))
    torn_walks: int = 0
    churn: Churn = Churn()
    traffic: Traffic = Traffic()
    last_poll: float | None = None
    last_success: float | None = None
    last_duration: float | None = None
    next_poll: float | None = None
    waiting_until: float | None = None
    credential_expires_at: float | None = None
    credential_renewals: int | None = None
    recent: tuple[Poll, ...] = ()

    @property
    def up(self) -> bool:
        """Whether the last poll succeeded; False before the first one has."""
        return self.last_poll is not None and self.error is None

    @property
    def offset_mode(self) -> OffsetMode:
        return self.snapshot.inventory.offset_mode if self.snapshot else OffsetMode.UNTESTED

    @property
    def remembered(self) -> Remembered:
        """What the next process has to know."""
        return Remembered(self.churn, self.complete)

    def resumed(self, remembered: Remembered) -> Status:
        """The status before the first poll: counters go on, and the inventory is shown until it is stale."""
        complete = remembered.complete
        return replace(
            self,
            churn=remembered.churn,
            complete=complete,
            snapshot=Snapshot(complete.inventory) if complete else None,
            last_success=complete.at if complete else None,
        )

    def stale(self, now: float) -> bool:
        """Whether the inventory is too old to be exposed, or missing."""
        return self.last_success is None or now - self.last_success > self.account.stale_after

    def current(self, now: float) -> Snapshot | None:
        """The inventory, unless it is stale."""
        return None if self.stale(now) else self.snapshot

    def waiting(self, now: float) -> bool:
        """Whether a pause is under way, during which no request is sent."""
        return self.waiting_until is not None and now < self.waiting_until

    def next_request(self, now: float) -> float | None:
        """The earliest time of the next request; a pause may end after the next poll is due."""
        if self.waiting_until is None or not self.waiting(now):
            return self.next_poll
        return max(self.waiting_until, self.next_poll or 0.0)

    def after_success(
        self,
        inventory: Inventory,
        now: float,
        seconds: float,
        torn_walks: int = 0,
        rejected: Mapping[Rejection, int] | None = None,
        requests: int = 0,
    ) -> Status:
        """The status after a poll that ended *now*, took *seconds* and *requests*, and read *inventory*.

        An equal inventory keeps its snapshot, and with it everything that was derived from that.
        """
        return replace(
            self._after_reading(inventory, now),
            error=None,
            polls=self.polls + 1,
            rejected={reason: count + (rejected or {}).get(reason, 0) for reason, count in self.rejected.items()},
            torn_walks=self.torn_walks + torn_walks,
            last_poll=now,
            last_success=now,
            last_duration=seconds,
            waiting_until=None,
            recent=self._recent_and(Poll(now, seconds, requests)),
        )

    def _after_reading(self, inventory: Inventory, now: float) -> Status:
        snapshot = self.snapshot
        if snapshot is None or snapshot.inventory != inventory:
            snapshot = Snapshot(inventory)
        status = replace(self, snapshot=snapshot, changes=())
        if not inventory.complete:
            return status
        changes = self._changes_to(snapshot.inventory, now)
        complete = Complete(snapshot.inventory, now)
        return replace(status, complete=complete, changes=changes, churn=self.churn.after(changes))

    def _changes_to(self, new: Inventory, now: float) -> tuple[Change, ...]:
        old = self.complete
        if old is None or old.inventory is new:
            return ()
        return changes_between(self.account.name, old.inventory, old.at, new, now)

    def after_failure(self, error: SourceError, now: float, seconds: float, requests: int = 0) -> Status:
        """Keep the last good snapshot; count and remember *error*."""
        return replace(
            self,
            changes=(),
            error=error,
            polls=self.polls + 1,
            failures={**self.failures, error.reason: self.failures[error.reason] + 1},
            last_poll=now,
            last_duration=seconds,
            recent=self._recent_and(Poll(now, seconds, requests, error.reason)),
        )

    def _recent_and(self, poll: Poll) -> tuple[Poll, ...]:
        return (*self.recent, poll)[-RECENT_POLLS:]


@dataclass(frozen=True, slots=True)
class Reloads:
    """How reading the configuration last went. *accounts* includes those of other shards."""

    config_hash: str
    succeeded_at: float
    successful: bool = True
    accounts: int = 1
    shard: int = 0
    shards: int = 1
