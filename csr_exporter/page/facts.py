"""What the status page shows, as frozen values: pure, and as of one moment."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

from csr_exporter.inventory import Csr, Inventory, OffsetMode, Reason, Snapshot
from csr_exporter.status import Churn, Reloads, Status

MOST_DETAILED = 20
"""Accounts shown in full. If there are more, only those in trouble are, up to this many; each other one gets a row in a
table, and a page of its own."""

OLDEST = 10
"""CSRs in a list of the oldest."""

Oldest = tuple[tuple[str, Csr], ...]
"""CSRs with the names of their accounts, the oldest first."""


class State(StrEnum):
    """The state of an account at a glance."""

    FRESH = "fresh"
    FAILING = "failing"
    STALE = "stale"
    NEVER = "never"


class Flaw(StrEnum):
    """What else can be wrong with an account, whatever its state."""

    INCOMPLETE = "incomplete"
    OVER_LIMIT = "over_limit"


class Trust(StrEnum):
    """Whether the numbers of all accounts can be relied on."""

    SOUND = "sound"
    STARTING = "starting"
    DOUBTFUL = "doubtful"
    EMPTY = "empty"


class Gap(StrEnum):
    """Why an inventory is incomplete, as far as can be told."""

    NO_TOTAL = "no_total"
    CHANGED = "changed"
    OFFSET_IGNORED = "offset_ignored"
    OFFSET_UNUSED = "offset_unused"
    OUT_OF_REACH = "out_of_reach"


class Alarm(StrEnum):
    """What is wrong with the exporter as a whole."""

    STOPPED = "stopped"
    CONFIG_REJECTED = "config_rejected"


@dataclass(frozen=True, slots=True)
class Band:
    """CSRs older than *above* and at most *upto*, in seconds; without bounds, those of unknown age."""

    above: float | None
    upto: float | None
    number: int


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """One account. *snapshot* is its inventory, unless stale; *bands* and *oldest* only where it is shown in full."""

    status: Status
    state: State
    snapshot: Snapshot | None
    bands: tuple[Band, ...] = ()
    oldest: Oldest = ()

    @property
    def name(self) -> str:
        return self.status.account.name

    @property
    def csrs(self) -> int | None:
        """How many the service reports, or were read where it does not say; None without an inventory to show."""
        if self.snapshot is None:
            return None
        inventory = self.snapshot.inventory
        return len(inventory.csrs) if inventory.reported is None else inventory.reported

    @property
    def complete(self) -> bool:
        return self.snapshot is not None and self.snapshot.inventory.complete

    @property
    def gap(self) -> Gap | None:
        return gap(self.snapshot.inventory) if self.snapshot else None

    @property
    def missing(self) -> int | None:
        """How many CSRs were not read; None if unknown. Unless it is 0, ages and counts of them are minimums."""
        if self.snapshot is None or self.gap is None:
            return 0
        missing = self.snapshot.inventory.missing
        return missing if missing and missing > 0 else None

    @property
    def trusted(self) -> bool:
        """Whether its numbers are fresh and complete."""
        return self.state is State.FRESH and self.complete

    @property
    def over_limit(self) -> bool:
        limit = self.status.account.limit
        return limit is not None and self.snapshot is not None and (self.snapshot.inventory.reported or 0) > limit

    @property
    def marks(self) -> set[str]:
        """What accounts are counted and filtered by: the state, why the last poll failed, and other flaws."""
        error = self.status.error
        flaws = {Flaw.INCOMPLETE: self.gap is not None, Flaw.OVER_LIMIT: self.over_limit}
        return {self.state, *([error.reason] if error else []), *(flaw for flaw, found in flaws.items() if found)}

    @property
    def trouble(self) -> int:
        """The lower, the more it needs a look."""
        if self.state is State.NEVER:
            return 2
        if self.snapshot is None:
            return 0
        return 1 if self.state is State.FAILING else 4 if self.trusted else 3


@dataclass(frozen=True, slots=True)
class Totals:
    """All accounts together; the numbers of CSRs are of the *counted* accounts, which have an inventory to show.

    *missing* is as in `AccountFacts`.
    """

    accounts: int
    counted: int
    trusted: int
    marks: Mapping[str, int]
    csrs: int
    listed: int
    missing: int | None
    by_algorithm: Mapping[str, int]
    bands: tuple[Band, ...]
    oldest: float | None
    churn: Churn
    last_poll: float | None
    next_request: float | None

    @property
    def trust(self) -> Trust:
        if not self.accounts:
            return Trust.EMPTY
        if self.trusted == self.accounts:
            return Trust.SOUND
        return Trust.STARTING if self.trusted + self.marks[State.NEVER] == self.accounts else Trust.DOUBTFUL

    @property
    def shared_reasons(self) -> Sequence[tuple[Reason, int]]:
        """Why several accounts are failing, with how many they are, the most first."""
        numbers = {reason: self.marks[reason] for reason in Reason if self.marks[reason] > 1}
        return sorted(numbers.items(), key=lambda each: -each[1])


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole page. Accounts in trouble come first; *further* ones are not shown in full.

    Totals and *oldest* are of all accounts, also where only those with one mark are shown.
    """

    now: float
    alarms: tuple[Alarm, ...]
    reloads: Reloads
    totals: Totals
    oldest: Oldest
    detailed: tuple[AccountFacts, ...]
    further: tuple[AccountFacts, ...]

    @property
    def trust(self) -> Trust:
        """Without a scheduler, even what was just read is soon out of date."""
        return Trust.DOUBTFUL if Alarm.STOPPED in self.alarms else self.totals.trust


def overview(
    statuses: Sequence[Status],
    age_buckets: Sequence[float],
    reloads: Reloads,
    now: float,
    *,
    alive: bool = True,
    show: str | None = None,
) -> Overview:
    """The facts of *statuses* as of *now*, the accounts only those with the mark *show* if there is one.

    *alive* is whether polls are still being scheduled.
    """
    accounts = sorted(
        (AccountFacts(status, state(status, now), status.current(now)) for status in statuses),
        key=lambda account: (account.trouble, account.name.casefold(), account.name),
    )
    shown = [account for account in accounts if show is None or show in account.marks]
    troubled = sum(not account.trusted for account in shown)
    detailed = len(shown) if len(shown) <= MOST_DETAILED else min(troubled, MOST_DETAILED)
    alarms = {Alarm.STOPPED: not alive, Alarm.CONFIG_REJECTED: not reloads.successful}
    return Overview(
        now=now,
        alarms=tuple(alarm for alarm, raised in alarms.items() if raised),
        reloads=reloads,
        totals=_totals(accounts, age_buckets, now),
        oldest=oldest(accounts),
        detailed=tuple(
            replace(account, bands=bands([account], age_buckets, now), oldest=oldest([account]))
            for account in shown[:detailed]
        ),
        further=tuple(shown[detailed:]),
    )


def state(status: Status, now: float) -> State:
    """The state of an account; stale, where an inventory became too old, takes precedence over failing."""
    if status.last_poll is None:
        return State.NEVER
    if status.last_success is not None and status.stale(now):
        return State.STALE
    return State.FAILING if status.error else State.FRESH


def gap(inventory: Inventory) -> Gap | None:
    """Why *inventory* is incomplete, as far as can be told; None if it is complete."""
    if inventory.complete:
        return None
    if inventory.missing is None:
        return Gap.NO_TOTAL
    if inventory.missing <= 0:
        return Gap.CHANGED
    gaps = {OffsetMode.IGNORED: Gap.OFFSET_IGNORED, OffsetMode.UNTESTED: Gap.OFFSET_UNUSED}
    return gaps.get(inventory.offset_mode, Gap.OUT_OF_REACH)


def bands(accounts: Sequence[AccountFacts], age_buckets: Sequence[float], now: float) -> tuple[Band, ...]:
    """The listed CSRs by age, the youngest first; those of unknown age last, where there are any."""
    snapshots = [account.snapshot for account in accounts if account.snapshot]
    times = [each for snapshot in snapshots for each in snapshot.summary.creation_times.values()]
    dated = sum(len(each.ascending) for each in times)
    undated = sum(len(snapshot.inventory.csrs) for snapshot in snapshots) - dated
    below = [sum(counts) for counts in zip(*(each.distribution(age_buckets, now) for each in times), strict=True)]
    below = below or [0] * len(age_buckets)
    each = zip((0.0, *age_buckets), (*age_buckets, None), (0, *below), (*below, dated), strict=True)
    return (
        *(Band(above, upto, end - start) for above, upto, start, end in each),
        *([Band(None, None, undated)] if undated else []),
    )


def oldest(accounts: Sequence[AccountFacts]) -> Oldest:
    """The `OLDEST` oldest CSRs of *accounts*, the oldest first, without those of unknown age."""
    snapshots = [(account.name, account.snapshot) for account in accounts if account.snapshot]
    times = [each.ascending for _, snapshot in snapshots for each in snapshot.summary.creation_times.values()]
    latest = max(islice(heapq.merge(*times), OLDEST), default=None)
    found = [
        (name, csr)
        for name, snapshot in snapshots
        if latest is not None and snapshot.summary.oldest is not None and snapshot.summary.oldest <= latest
        for csr in snapshot.inventory.csrs
        if csr.created_at is not None and csr.created_at <= latest
    ]
    return tuple(sorted(found, key=lambda each: (each[1].created_at, each[0], each[1].id))[:OLDEST])


def _totals(accounts: Sequence[AccountFacts], age_buckets: Sequence[float], now: float) -> Totals:
    statuses = [account.status for account in accounts]
    snapshots = [account.snapshot for account in accounts if account.snapshot]
    by_algorithm: Counter[str] = Counter()
    for snapshot in snapshots:
        by_algorithm.update(snapshot.summary.by_algorithm)
    churns = [status.churn for status in statuses]
    return Totals(
        accounts=len(accounts),
        counted=len(snapshots),
        trusted=sum(account.trusted for account in accounts),
        marks=Counter(mark for account in accounts for mark in account.marks),
        csrs=sum(account.csrs or 0 for account in accounts),
        listed=sum(len(snapshot.inventory.csrs) for snapshot in snapshots),
        missing=sum(account.missing or 0 for account in accounts)
        or (None if any(each.gap for each in accounts) else 0),
        by_algorithm=by_algorithm,
        bands=bands(accounts, age_buckets, now),
        oldest=min((at for each in snapshots if (at := each.summary.oldest) is not None), default=None),
        churn=Churn(sum(c.added for c in churns), sum(c.removed for c in churns), sum(c.renamed for c in churns)),
        last_poll=max((at for each in statuses if (at := each.last_poll) is not None), default=None),
        next_request=min((at for each in statuses if (at := each.next_request(now)) is not None), default=None),
    )
