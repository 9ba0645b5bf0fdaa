"""What the status page says, as frozen values: pure, and as of one moment.

A further fact of an account belongs into `AccountFacts`; why an inventory is not whole is told by `completeness` alone.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

from csr_exporter.inventory import Csr, Inventory, OffsetMode, Snapshot, SourceError
from csr_exporter.status import Churn, Poll, Reloads, Status

MOST_DETAILED = 20
"""Accounts that are shown with all that is known. If there are more, those in trouble are, as far as there is room; of
each further one there is a line, and a page of its own."""

OLDEST = 10
"""CSRs that are named because nothing is older."""

Oldest = tuple[tuple[str, Csr], ...]
"""CSRs with the names of their accounts, the oldest first."""


class State(StrEnum):
    """What can be said of an account's numbers at a glance."""

    FRESH = "fresh"
    FAILING = "failing"
    STALE = "stale"
    NEVER = "never"


class Trust(StrEnum):
    """Whether the numbers of all accounts can be relied on."""

    SOUND = "sound"
    STARTING = "starting"
    DOUBTFUL = "doubtful"


class Gap(StrEnum):
    """Why an inventory is not whole, as far as it shows."""

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
class Completeness:
    """Whether all was read; how many CSRs are missing where that is known, and why."""

    gap: Gap | None = None
    missing: int | None = 0


@dataclass(frozen=True, slots=True)
class Held:
    """What an inventory that is not stale holds.

    *oldest* is when the oldest CSR was created. *requests*, *slices* and *carried* are those of `Inventory`.
    """

    reported: int | None
    listed: int
    completeness: Completeness
    by_algorithm: Mapping[str, int]
    bands: tuple[Band, ...]
    oldest: float | None
    requests: int
    slices: int
    carried: int


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What the page says of one account. *oldest* are its oldest CSRs, where it is shown with all that is known."""

    name: str
    state: State
    held: Held | None
    error: SourceError | None
    last_poll: float | None
    last_success: float | None
    next_request: float | None
    waiting_until: float | None
    limit: int | None
    churn: Churn
    recent: tuple[Poll, ...]
    offset_mode: OffsetMode
    credential_expires_at: float | None
    clock_skew: float | None
    oldest: Oldest = ()

    @property
    def whole(self) -> bool:
        """Whether its numbers are fresh and complete."""
        return self.state is State.FRESH and self.held is not None and self.held.completeness.gap is None

    @property
    def over_limit(self) -> bool:
        """Whether it holds more than it should."""
        return self.limit is not None and self.held is not None and (self.held.reported or 0) > self.limit

    @property
    def trouble(self) -> int:
        """The less, the more it needs a look."""
        if self.state is State.NEVER:
            return 2
        if self.held is None:
            return 0
        return 1 if self.state is State.FAILING else 4 if self.whole else 3


@dataclass(frozen=True, slots=True)
class Totals:
    """What all accounts hold together, of those that have an inventory to show: *counted* of *accounts*."""

    accounts: int
    counted: int
    whole: int
    states: Mapping[State, int]
    reported: int
    listed: int
    missing: int
    by_algorithm: Mapping[str, int]
    bands: tuple[Band, ...]
    oldest: float | None
    churn: Churn
    last_poll: float | None
    next_request: float | None

    @property
    def trust(self) -> Trust:
        if self.whole == self.accounts:
            return Trust.SOUND
        return Trust.STARTING if self.whole + self.states[State.NEVER] == self.accounts else Trust.DOUBTFUL


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole page. Accounts in trouble come first; *further* ones are those without details.

    *oldest* are the oldest CSRs of all accounts, with the names of those.
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
        """What was read while polls were scheduled is soon no longer true when they are not."""
        return Trust.DOUBTFUL if Alarm.STOPPED in self.alarms else self.totals.trust


def overview(
    statuses: Sequence[Status], age_buckets: Sequence[float], reloads: Reloads, now: float, *, alive: bool = True
) -> Overview:
    """The facts of *statuses* as of *now*; *alive* is whether polls are still being scheduled."""
    both = [(_account(status, age_buckets, now), status) for status in statuses]
    both.sort(key=lambda each: (each[0].trouble, each[0].name.casefold(), each[0].name))
    troubled = sum(not facts.whole for facts, _ in both)
    detailed = len(both) if len(both) <= MOST_DETAILED else min(troubled, MOST_DETAILED)
    return Overview(
        now=now,
        alarms=_alarms(reloads, alive=alive),
        reloads=reloads,
        totals=_totals([facts for facts, _ in both]),
        oldest=oldest([(facts.name, snapshot) for facts, status in both if (snapshot := status.current(now))]),
        detailed=tuple(_with_oldest(facts, status.current(now)) for facts, status in both[:detailed]),
        further=tuple(facts for facts, _ in both[detailed:]),
    )


def _alarms(reloads: Reloads, *, alive: bool) -> tuple[Alarm, ...]:
    rings = {Alarm.STOPPED: not alive, Alarm.CONFIG_REJECTED: not reloads.successful}
    return tuple(alarm for alarm, wrong in rings.items() if wrong)


def _account(status: Status, age_buckets: Sequence[float], now: float) -> AccountFacts:
    snapshot = status.current(now)
    return AccountFacts(
        name=status.account.name,
        state=state(status, now),
        held=_held(snapshot, age_buckets, now) if snapshot else None,
        error=status.error,
        last_poll=status.last_poll,
        last_success=status.last_success,
        next_request=status.next_request(now),
        waiting_until=status.waiting_until if status.waiting(now) else None,
        limit=status.account.limit,
        churn=status.churn,
        recent=status.recent,
        offset_mode=status.offset_mode,
        credential_expires_at=status.credential_expires_at,
        clock_skew=status.traffic.clock_skew,
    )


def state(status: Status, now: float) -> State:
    """At a glance: stale, when an inventory became too old, comes before why."""
    if status.last_poll is None:
        return State.NEVER
    if status.last_success is not None and status.stale(now):
        return State.STALE
    return State.FAILING if status.error else State.FRESH


def _held(snapshot: Snapshot, age_buckets: Sequence[float], now: float) -> Held:
    inventory, summary = snapshot.inventory, snapshot.summary
    return Held(
        reported=inventory.reported,
        listed=len(inventory.csrs),
        completeness=completeness(inventory),
        by_algorithm=summary.by_algorithm,
        bands=bands(snapshot, age_buckets, now),
        oldest=summary.oldest,
        requests=inventory.requests,
        slices=inventory.slices,
        carried=inventory.carried,
    )


def completeness(inventory: Inventory) -> Completeness:
    """What is missing of *inventory*, and why, as far as it shows."""
    missing = inventory.missing
    if inventory.complete:
        return Completeness()
    if missing is None:
        return Completeness(Gap.NO_TOTAL, None)
    if missing <= 0:
        return Completeness(Gap.CHANGED)
    gaps = {OffsetMode.IGNORED: Gap.OFFSET_IGNORED, OffsetMode.UNTESTED: Gap.OFFSET_UNUSED}
    return Completeness(gaps.get(inventory.offset_mode, Gap.OUT_OF_REACH), missing)


def bands(snapshot: Snapshot, age_buckets: Sequence[float], now: float) -> tuple[Band, ...]:
    """The listed CSRs by age, the youngest first; those of unknown age last, where there are any."""
    counts = [0] * (len(age_buckets) + 1)
    for times in snapshot.summary.creation_times.values():
        before = 0
        for position, upto in enumerate((*times.distribution(age_buckets, now), len(times.ascending))):
            counts[position] += upto - before
            before = upto
    bounds = zip((0.0, *age_buckets), (*age_buckets, None), counts, strict=True)
    unknown = len(snapshot.inventory.csrs) - sum(counts)
    return (*(Band(*each) for each in bounds), *([Band(None, None, unknown)] if unknown else []))


def _with_oldest(facts: AccountFacts, snapshot: Snapshot | None) -> AccountFacts:
    return replace(facts, oldest=oldest([(facts.name, snapshot)])) if snapshot else facts


def oldest(snapshots: Sequence[tuple[str, Snapshot]]) -> Oldest:
    """The `OLDEST` oldest CSRs of named *snapshots*, the oldest first; those of unknown age are none of them."""
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


def _totals(accounts: Sequence[AccountFacts]) -> Totals:
    held = [each.held for each in accounts if each.held]
    states = Counter(each.state for each in accounts)
    return Totals(
        accounts=len(accounts),
        counted=len(held),
        whole=sum(each.whole for each in accounts),
        states={state: states[state] for state in State},
        reported=sum(each.listed if each.reported is None else each.reported for each in held),
        listed=sum(each.listed for each in held),
        missing=sum(each.completeness.missing or 0 for each in held),
        by_algorithm=_added(each.by_algorithm for each in held),
        bands=_bands_added([each.bands for each in held]),
        oldest=min((each.oldest for each in held if each.oldest is not None), default=None),
        churn=_churns_added(each.churn for each in accounts),
        last_poll=max((each.last_poll for each in accounts if each.last_poll is not None), default=None),
        next_request=min((each.next_request for each in accounts if each.next_request is not None), default=None),
    )


def _added(counts: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return total


def _bands_added(accounts: Iterable[Sequence[Band]]) -> tuple[Band, ...]:
    total: dict[tuple[float | None, float | None], int] = {}
    for bands in accounts:
        for band in bands:
            bounds = (band.above, band.upto)
            total[bounds] = total.get(bounds, 0) + band.number
    return tuple(Band(*bounds, number) for bounds, number in total.items())


def _churns_added(churns: Iterable[Churn]) -> Churn:
    each = list(churns)
    return Churn(sum(c.added for c in each), sum(c.removed for c in each), sum(c.renamed for c in each))
