"""One poll of the list: calibrate, walk, count, divide, and say what that proves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from types import MappingProxyType

from csr_exporter.inventory import Csr, Inventory, OffsetMode, Page, Query, Reason, SourceError
from csr_exporter.listing.attempt import Attempt, TornError
from csr_exporter.listing.counts import count, distribute
from csr_exporter.listing.division import Division, Task
from csr_exporter.listing.knowledge import Knowledge, Limits, Memory, Reading, newest_first
from csr_exporter.listing.names import NameFilter
from csr_exporter.listing.offsets import Paging
from csr_exporter.listing.pages import SMALL_PAGE_SIZE, WHOLE, BudgetSpentError, Requests, Slice
from csr_exporter.listing.walk import Walk

NOTHING = Knowledge()


def read(page: Callable[[Query], Page], limits: Limits, knowledge: Knowledge = NOTHING) -> Reading:
    """Read the list with as few requests as prove it complete, one after the other. Raises `SourceError`."""
    requests = Requests(page, max(1, limits.max_requests))
    first = _Poll(requests, limits, knowledge, last=False)
    attempts = [first] if first.run() else [first, _again(requests, limits, first)]
    poll = max(reversed(attempts), key=lambda each: (each.complete, len(each.listed)))
    return Reading(
        inventory=poll.inventory(),
        knowledge=poll.learned(),
        torn_walks=sum(each.torn for each in attempts),
        rejected=MappingProxyType(dict(requests.rejected)),
    )


def _again(requests: Requests, limits: Limits, first: _Poll) -> _Poll:
    """What was known is not relied on a second time: it may be what tore the walk. Names read serve to plan."""
    second = _Poll(requests, limits, Knowledge(memory=first.learned().memory), last=True)
    second.run()
    return second


class _Poll:
    """One attempt of a poll, and the conclusions from it."""

    def __init__(self, requests: Requests, limits: Limits, knowledge: Knowledge, *, last: bool) -> None:
        self._requests = requests
        self._limits = limits
        self._memory = knowledge.memory
        mode = limits.offset_mode or knowledge.offset_mode
        self._calibrated = mode is not None
        remembered = limits.offset_mode is None and mode is not None
        paging = Paging(mode or OffsetMode.UNTESTED, limits.max_offset)
        self._attempt = Attempt(requests, paging, remembered=remembered, last=last)
        self._names = NameFilter(knowledge.names)
        self._walk: Walk | None = None
        self._walks: dict[str, Walk] = {}
        self._window: tuple[Csr, ...] = ()
        self._division: Division | None = None
        self._carried: Mapping[str, Csr] = {}
        self._proven = True
        self._interrupted = False

    def run(self) -> bool:
        """Read until the list is whole or the budget spent; False when it has to be begun again."""
        try:
            self._read()
        except TornError:
            self._carried = {}
            return False
        except BudgetSpentError:
            return True
        return True

    def _read(self) -> None:
        walk = self._walk = Walk(self._attempt, WHOLE)
        if not walk.finished and not self._calibrated:
            self._attempt.paging = walk.calibrate(self._limits.max_offset)
        while walk.advance(self._attempt.paging):
            pass
        if walk.whole or walk.total is None:
            return
        if walk.stopped:
            count(self._attempt, lambda part: self._attempt.ask(part, size=SMALL_PAGE_SIZE))
            return
        self._proven = False
        self._window = tuple(self._attempt.csrs.values())
        count(self._attempt, self._begin)
        self._divide(walk)
        if len(self.listed) == walk.total:
            self._prove()

    def _begin(self, part: Slice) -> Page:
        walk = self._walks[part.algorithm or ""] = Walk(self._attempt, part)
        return walk.page

    def _divide(self, walk: Walk) -> None:
        """Read slices until nothing is missing, but for the last request, or until the deadline."""
        walks = {algorithm: self._walks[algorithm] for algorithm in self._attempt.counts}
        self._requests.reserve = 1
        try:
            out_of_reach = walk.nameless
            for task in self._tasks(walk.total or 0):
                bounded = replace(task, out_of_reach=out_of_reach)
                self._division = Division(self._attempt, self._names, walks, bounded)
                self._division.run()
                out_of_reach += max(0, self._division.unread)
        except BudgetSpentError:
            self._interrupted = True
        except SourceError as error:
            if error.reason is not Reason.DEADLINE:
                raise
            self._interrupted = True
        finally:
            self._requests.reserve = 0

    def _tasks(self, total: int) -> Iterator[Task]:
        """What to read, in one division after the other.

        Where earlier records still stand, those that are missing come first, then those not read for longest.
        """
        memory = self._memory
        self._carried = memory.still_there(total, self._window)
        if not self._carried:
            yield Task(given={}, waiting={**memory.hints, **memory.csrs})
            return
        yield Task(given=self._carried, waiting={}, exhausted=memory.exhausted)
        fresh = {identity: csr for identity, csr in self._carried.items() if identity in memory.fresh}
        yield Task(given=fresh, waiting=self._carried)
        yield Task(given={}, waiting=self._carried)

    def _prove(self) -> None:
        """See that the list still begins as it did, with as many CSRs."""
        try:
            page = self._attempt.ask(WHOLE)
        except (BudgetSpentError, SourceError) as error:
            if isinstance(error, SourceError) and error.reason is not Reason.DEADLINE:
                raise
            return
        if [csr.id for csr in page.csrs] != [csr.id for csr in self._window[: len(page.csrs)]]:
            self._attempt.tear()
        self._proven = True

    @property
    def torn(self) -> bool:
        return self._attempt.torn

    @property
    def listed(self) -> Mapping[str, Csr]:
        """The CSRs that were read, and those read earlier that are still there."""
        return {**self._carried, **self._attempt.csrs} if self._carried else self._attempt.csrs

    @property
    def complete(self) -> bool:
        return self._proven and not self.torn and len(self.listed) == self._reported == self._total

    @property
    def _total(self) -> int | None:
        """The service's own count, or what was read when it gives none and there was no more."""
        return self._walk.size if self._walk else None

    @property
    def _nameless(self) -> int:
        return self._walk.nameless if self._walk else 0

    @property
    def _reported(self) -> int | None:
        return None if self._total is None else max(self._total, len(self.listed) + self._nameless)

    def inventory(self) -> Inventory:
        listed, reported = self.listed, self._reported
        counts = {} if self.complete else self._attempt.counts
        by_algorithm = distribute(reported or 0, counts, Counter(csr.algorithm for csr in listed.values()))
        return Inventory(
            csrs=tuple(listed.values()),
            reported=reported,
            by_algorithm=MappingProxyType({} if reported is None else by_algorithm),
            complete=self.complete,
            offset_mode=self._attempt.paging.mode,
            requests=self._requests.sent,
            slices=len(self._requests.slices),
            carried=len(listed) - len(self._attempt.csrs),
        )

    def learned(self) -> Knowledge:
        """What the next poll should know; an offset found useless is tried again."""
        mode = self._attempt.paging.mode
        useless = mode in {OffsetMode.UNTESTED, OffsetMode.IGNORED}
        forget = self.torn or useless or self._limits.offset_mode is not None
        return Knowledge(
            offset_mode=None if forget else mode,
            names=self._names.meaning if self._names.usable and not self.torn else None,
            memory=self._remembered(),
        )

    def _remembered(self) -> Memory:
        """Nothing of a list that one walk can read."""
        total = self._attempt.sizes.get(WHOLE, 0)
        if not self._window:
            return Memory()
        read, listed = self._attempt.csrs, self.listed
        left = self._division.found.waiting if self._division else {**self._memory.hints, **self._memory.csrs}
        hints = dict(islice(((identity, csr) for identity, csr in left.items() if identity not in listed), total))
        if self.torn or not newest_first(self._window):
            return Memory(hints={**hints, **listed})
        return Memory(
            csrs=dict(listed),
            fresh=frozenset(read),
            hints=hints,
            window=tuple(csr.id for csr in self._window),
            total=total,
            whole=len(read) + self._nameless >= total,
            exhausted=frozenset(self._division.found.texts.exhausted if self._division and self._interrupted else ()),
        )
