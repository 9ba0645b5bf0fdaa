"""One poll of the list: calibrate, walk, count, divide, and say what that proves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

from csr_exporter.inventory import Csr, Inventory, OffsetMode, Page, Query, Reason, SourceError
from csr_exporter.listing.counts import distribute
from csr_exporter.listing.division import Division
from csr_exporter.listing.found import Found
from csr_exporter.listing.knowledge import Knowledge, Limits, Memory, Reading
from csr_exporter.listing.names import NameFilter
from csr_exporter.listing.offsets import Paging
from csr_exporter.listing.order import Order
from csr_exporter.listing.pages import PAGE_SIZE, WHOLE, BudgetSpentError, Requests, Slice
from csr_exporter.listing.proof import Evidence
from csr_exporter.listing.reader import Reader
from csr_exporter.listing.walk import Walk

NOTHING = Knowledge()

READINGS = 2
"""So often a poll reads the list, at most: a second time where the first proves nothing."""

FIRST_FURTHER_PAGE = 2

DOUBTED = 20
"""For so many polls after one whose replies did not fit together, two whole readings have to agree."""


def read(page: Callable[[Query], Page], limits: Limits, knowledge: Knowledge = NOTHING) -> Reading:
    """Read the list with as few requests as prove it complete, one after the other. Raises `SourceError`."""
    requests = Requests(page, max(1, limits.max_requests))
    poll = _Poll(requests, limits, knowledge)
    poll.run()
    return Reading(
        inventory=poll.inventory(),
        knowledge=poll.learned(),
        torn_walks=poll.torn_walks,
        rejected=MappingProxyType(dict(requests.rejected)),
    )


@dataclass(slots=True)
class _Attempt:
    """What one reading of the list showed."""

    csrs: dict[str, Csr]
    total: int | None
    changed: bool = False


class _Poll:
    """The requests of one poll, and the conclusions from them."""

    def __init__(self, requests: Requests, limits: Limits, knowledge: Knowledge) -> None:
        memory = knowledge.memory
        self._requests = requests
        self._limits = limits
        self._memory = memory
        self._calibrations = 0
        mode = limits.offset_mode or knowledge.offset_mode or OffsetMode.UNTESTED
        # Whoever configures that offsets mean nothing wants none sent.
        max_offset = 0 if limits.offset_mode is OffsetMode.UNTESTED else limits.max_offset
        # Records of earlier polls are only relied on where one poll cannot read everything.
        carry = memory.interrupted
        evidence = Evidence(memory.seen, memory.top if carry else None, memory.since if carry else {})
        order = Order(memory.csrs, memory.newest)
        self._reader = Reader(requests, evidence, order, Paging(mode, max_offset), knowledge.habits)
        self._names = NameFilter(knowledge.names)
        self._walk: Walk | None = None
        self._division: Division | None = None
        self._attempts: list[_Attempt] = []
        self._carried: Mapping[str, Csr] = {}
        self._slices = memory.slices
        self._unfound = memory.unfound
        self._tried: AbstractSet[str] = memory.csrs.keys()
        self._total_is_doubtful = self._contradicted = self._interrupted = False

    def run(self) -> None:
        """Read until the list is proven, nothing more can be learned, or the budget or the time is spent."""
        try:
            self._read_until_proven()
        except BudgetSpentError:
            self._interrupted = True
        except SourceError as error:
            # Within the window a poll that takes too long fails; what lies beyond is worth what was read of it.
            if error.reason is not Reason.DEADLINE or self._division is None:
                raise
            self._interrupted = True
        self._note_attempt()

    def _read_until_proven(self) -> None:
        walk = self._begin()
        for _ in range(READINGS):
            self._read(walk)
            # A division takes long, and sees the total only at its beginning: there, the first page is read again.
            if (self._proven is not None and walk.whole) or not self._another_reading_helps():
                return
            # The first page of another reading may prove the one before: nothing was added that it does not show.
            walk = self._begin()
            if self._proven is not None:
                return

    def _begin(self) -> Walk:
        """Ask for the first page of another reading."""
        self._note_attempt()
        self._reader.begin()
        walk = self._walk = Walk(self._reader, WHOLE)
        if self._attempts and self._reader.total != self._attempts[-1].total:
            self._attempts[-1].changed = True
        return walk

    @property
    def _current(self) -> _Attempt:
        return _Attempt(self._reader.csrs, self._reader.total, self._reader.changed)

    @property
    def _is_noted(self) -> bool:
        return bool(self._attempts) and self._attempts[-1].csrs is self._reader.csrs

    def _note_attempt(self) -> None:
        if self._reader.csrs:
            self._attempts.append(self._current)

    def _another_reading_helps(self) -> bool:
        """Not where CSRs lack that cannot be found; nor where more were read than counted, all known before."""
        reader = self._reader
        if reader.changed or (reader.evidence.proven() is not None and self._proven is None):
            return True
        known = {*self._carried, *reader.csrs}
        size = self._walk.size if self._walk is not None else reader.total
        # What is carried on was seen before, too, but only the first page can show that it is still there; and without
        # a total, the last page alone tells how long the list is, after all the others.
        seen = {} if self._carried or reader.total is None else self._memory.seen
        enough = size is not None and len(known) >= size
        return enough and (self._proven is not None or any(each not in seen for each in known))

    def _read(self, walk: Walk) -> None:
        """Read the list, its first page having been read."""
        again = bool(self._attempts)
        self._walk_window(walk, again=again)
        self._contradicted &= not walk.whole
        if not walk.whole and walk.total is not None and not (again and self._proven is not None):
            self._divide(walk)

    # --- what one walk reads ------------------------------------------------------------------------------------------

    def _walk_window(self, walk: Walk, *, again: bool) -> None:
        if not self._total_holds(walk):
            self._reader.distrust_totals()
        if not walk.ended and self._reader.paging.mode is OffsetMode.UNTESTED and self._limits.offset_mode is None:
            self._calibrate(walk)
        while not (again and self._proven is not None) and walk.advance():
            if self._is_misled(walk):
                self._calibrate(walk)
        if not self._total_holds(walk):
            self._reader.distrust_totals()
            self._walk_window(walk, again=again)

    def _calibrate(self, walk: Walk) -> None:
        self._calibrations += 1
        walk.calibrate()

    def _is_misled(self, walk: Walk) -> bool:
        """Whether offsets do not mean what they were found to mean, earlier or while the list changed."""
        lack = (walk.total or 0) - walk.rows if walk.exhausted else 0
        # The first further page has nothing new, or a whole page was skipped.
        misled = walk.misled or (lack > 0 and walk.pages == FIRST_FURTHER_PAGE) or lack >= PAGE_SIZE
        return misled and self._limits.offset_mode is None and self._calibrations < READINGS

    def _total_holds(self, walk: Walk) -> bool:
        """Whether the total may be relied on, tried where the last page is full: perhaps it counts only the page.

        A total that was trusted is tried again where a CSR is new: the total may lag behind it.
        """
        trusted = self._reader.habits.counts_list
        tried = self._reader.csrs.keys() <= self._tried
        if trusted is False or (trusted and tried) or walk.rows != walk.total or walk.page.entries < PAGE_SIZE:
            return True
        self._total_is_doubtful = True
        holds = walk.try_total()
        self._tried = set(self._reader.csrs)
        self._total_is_doubtful = False
        if holds:
            self._reader.trust_totals()
        return holds

    # --- what is beyond one walk --------------------------------------------------------------------------------------

    def _divide(self, walk: Walk) -> None:
        """Read slices until nothing is missing, keeping one request back for the proof."""
        self._requests.reserve = 1
        try:
            for found, slices in self._tasks():
                division = self._division = Division(self._reader, self._names, found, walk.nameless)
                division.replay(slices)
                if division.unread > 0:
                    division.count()
                if division.unread > 0 and self._unfound != (self._reader.total, division.unread):
                    division.run()
                    division.search()
                self._conclude(division)
        except BudgetSpentError:
            self._interrupted = True
        finally:
            self._requests.reserve = 0
            # What is carried over from a reading that contradicts itself does not make the next one better.
            contradicted = self._division is not None and self._division.contradicted
            self._contradicted = contradicted or (self._contradicted and bool(self._carried))

    def _tasks(self) -> Iterator[tuple[Found, tuple[tuple[Slice, int], ...]]]:
        """What counts as found, and the slices to begin with, in one division after the other.

        Where one poll cannot read everything and earlier records still stand, those that are missing come first, then
        those not read for longest.
        """
        memory, meaning = self._memory, self._names.meaning
        seen = {**memory.seen, **self._reader.every_csr}
        top = self._reader.evidence.top
        if top is not None and (memory.interrupted or self._attempts):
            self._carried = {each: seen[each] for each in top.present if each in seen}
        if len(self._carried) <= len(self._reader.csrs):
            self._carried = {}
            yield Found(meaning, self._reader.csrs, seen), self._slices
            return
        yield Found(meaning, {**self._carried, **self._reader.csrs}, {}, memory.exhausted), ()
        if self._attempts:
            return
        fresh = {each: csr for each, csr in self._carried.items() if each in memory.fresh}
        yield Found(meaning, {**fresh, **self._reader.csrs}, self._carried), ()
        yield Found(meaning, self._reader.csrs, self._carried), ()

    def _conclude(self, division: Division) -> None:
        """What a division leaves for the next one, and for the next poll."""
        self._unfound = (self._reader.total or 0, division.unread) if division.unread > 0 else None
        # What a plan made of few names showed is better planned once more, now that they are known.
        blind = len(self._memory.seen) < len(division.found.csrs) / 2 and not self._attempts
        if not self._carried:
            self._slices = () if blind else tuple(division.slices)

    # --- what follows -------------------------------------------------------------------------------------------------

    @property
    def _proven(self) -> frozenset[str] | None:
        proven = None if self._total_is_doubtful or self._contradicted else self._reader.evidence.proven()
        return proven if proven is not None and self._holds(proven) else None

    def _holds(self, proven: frozenset[str]) -> bool:
        """Whether a list that is proven fits what else was seen: totals may lag, and replicas differ."""
        reader = self._reader
        if proven == reader.at_once:
            return True
        if self._split or not proven.isdisjoint(reader.order.absent()):
            return False
        # A total that lags shows where the list changed, so a changed one is looked at once more.
        tried = len(proven) <= PAGE_SIZE and reader.end_seen
        looked_twice = tried or reader.readings >= READINGS or proven == self._memory.csrs.keys()
        return looked_twice and (not self._in_doubt or self._agreed(proven))

    @property
    def _split(self) -> bool:
        """Whether replicas answer that differ: then pages of one may hide what others lack."""
        return self._memory.splits > 0 or self._reader.order.contradicted()

    @property
    def _in_doubt(self) -> bool:
        return self._memory.doubts > 0 or self._reader.contradicts_itself

    def _agreed(self, proven: frozenset[str]) -> bool:
        """Whether the last two whole readings, of this poll or the one before, both showed just what is proven."""
        whole = [set(self._memory.csrs)] if self._memory.fresh.issuperset(self._memory.csrs) else []
        for attempt in self._attempts if self._is_noted else [*self._attempts, self._current]:
            if proven == attempt.csrs.keys() and not attempt.changed and attempt.total in {None, len(proven)}:
                whole.append(set(attempt.csrs))
            elif attempt.changed or attempt.total not in {None, len(proven)} or not proven.issuperset(attempt.csrs):
                whole.clear()
        return len(whole) >= READINGS and all(each == proven for each in whole[-READINGS:])

    @property
    def torn_walks(self) -> int:
        """How many readings showed that the list changed meanwhile."""
        proven = self._proven
        return sum(
            attempt.changed or (proven is not None and not proven.issuperset(attempt.csrs))
            for attempt in self._attempts
        )

    def _listed(self) -> Mapping[str, Csr]:
        """The CSRs of the proven list; else those of the best reading, with those known to be there still."""
        proven, every = self._proven, {**self._memory.seen, **self._reader.every_csr}
        if proven is not None and proven.issubset(every):
            return {each: csr for each, csr in every.items() if each in proven}
        best = max(reversed(self._attempts), key=lambda attempt: len(attempt.csrs)).csrs if self._attempts else {}
        return {**self._carried, **best}

    def inventory(self) -> Inventory:
        listed = self._listed()
        complete = self._proven is not None and self._proven == set(listed) and not self._stale(listed)
        total = self._attempts[-1].total if self._attempts else self._reader.total
        if total is None and self._walk is not None:
            total = self._walk.size
        nameless = self._walk.nameless if self._walk else 0
        reported = None if total is None else max(total, len(listed) + nameless)
        if complete:
            reported = len(listed)
        counts = {} if complete else self._reader.counts
        by_algorithm = distribute(reported or 0, counts, Counter(csr.algorithm for csr in listed.values()))
        return Inventory(
            csrs=tuple(listed.values()),
            reported=reported,
            by_algorithm=MappingProxyType({} if reported is None else by_algorithm),
            complete=complete,
            offset_mode=self._reader.paging.mode,
            requests=self._requests.sent,
            slices=len(self._requests.slices),
            carried=sum(each not in self._reader.every_csr for each in listed),
        )

    def _stale(self, listed: Mapping[str, Csr]) -> bool:
        """Whether a CSR that was not read again has another name now: a slice that it should be in lacks it."""
        unread = {each: csr for each, csr in listed.items() if each not in self._reader.every_csr}
        exhausted = self._division.exhausted if self._division and unread else []
        found = Found(self._names.meaning, unread, {})
        return any(found.number(part) for part in exhausted)

    def learned(self) -> Knowledge:
        """What the next poll should know; an offset found useless is tried again."""
        paging = self._reader.paging
        useless = paging.mode in {OffsetMode.UNTESTED, OffsetMode.IGNORED}
        forget = useless or self._limits.offset_mode is not None
        return Knowledge(
            offset_mode=None if forget else paging.mode,
            names=self._names.meaning if self._names.usable else None,
            habits=self._reader.habits,
            memory=self._remembered(),
        )

    def _newest(self, listed: Mapping[str, Csr]) -> float | None:
        """The latest creation time in a complete list that comes newest first."""
        if self._proven is None or not self._reader.order.newest_first:
            return None
        return max((csr.created_at for csr in listed.values() if csr.created_at is not None), default=None)

    def _remembered(self) -> Memory:
        listed, evidence = self._listed(), self._reader.evidence
        too_many = any(attempt.total is not None and len(attempt.csrs) > attempt.total for attempt in self._attempts)
        suspect = too_many or self.torn_walks > 0 or self._contradicted or self._reader.contradicts_itself
        seen = {**self._memory.seen, **self._reader.every_csr}
        divided = self._division is not None
        # Those that may still be there: they help to plan, and must not be forgotten while they are known to be.
        waiting = self._division.found.waiting if self._division else {}
        present = evidence.top.present if evidence.top else frozenset()
        kept = waiting.keys() | present
        hints = ((each, csr) for each, csr in seen.items() if each in kept and each not in listed)
        return Memory(
            csrs=listed,
            fresh=frozenset(self._reader.every_csr),
            hints=dict(islice(hints, self._reader.total or 0)),
            top=evidence.top,
            since=evidence.since,
            slices=self._slices,
            interrupted=self._interrupted and divided,
            exhausted=frozenset(self._division.found.exhausted if self._division and self._interrupted else ()),
            unfound=self._unfound if divided else None,
            doubts=DOUBTED if suspect else max(0, self._memory.doubts - 1),
            splits=DOUBTED if self._reader.order.contradicted() else max(0, self._memory.splits - 1),
            newest=self._newest(listed),
        )
