"""One poll of the list: calibrate, walk, count, and say what that proves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from csr_exporter.inventory import Inventory, OffsetMode, Page, Query, Rejection
from csr_exporter.listing.attempt import Attempt, TornError
from csr_exporter.listing.counts import count, distribute
from csr_exporter.listing.offsets import Paging
from csr_exporter.listing.pages import WHOLE, BudgetSpentError, Requests
from csr_exporter.listing.walk import Walk


@dataclass(frozen=True, slots=True)
class Limits:
    """What the account's configuration allows.

    *offset_mode* is what an offset means: None to find out, `OffsetMode.UNTESTED` never to send one. *max_offset* is
    the largest that may be sent, None for any. *max_requests* bounds one poll.
    """

    offset_mode: OffsetMode | None = None
    max_offset: int | None = 100
    max_requests: int = 500


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What earlier polls of an account found out. It saves requests and proves nothing."""

    offset_mode: OffsetMode | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a poll read, and what the next one should know. *rejected* is summed over the pages read."""

    inventory: Inventory
    knowledge: Knowledge
    torn_walks: int
    rejected: Mapping[Rejection, int]


NOTHING = Knowledge()


def read(page: Callable[[Query], Page], limits: Limits, knowledge: Knowledge = NOTHING) -> Reading:
    """Read the list with as few requests as prove it complete. Raises `SourceError`."""
    requests = Requests(page, max(1, limits.max_requests))
    first = _Poll(requests, limits, knowledge, last=False)
    attempts = [first] if first.run() else [first, _again(requests, limits)]
    poll = max(reversed(attempts), key=lambda each: (each.complete, each.listed))
    return Reading(
        inventory=poll.inventory(requests),
        knowledge=poll.learned(),
        torn_walks=sum(each.attempt.torn for each in attempts),
        rejected=MappingProxyType(dict(requests.rejected)),
    )


def _again(requests: Requests, limits: Limits) -> _Poll:
    """What was known is not relied on a second time: it may be what tore the walk."""
    second = _Poll(requests, limits, NOTHING, last=True)
    second.run()
    return second


class _Poll:
    """One attempt of a poll, and the conclusions from it."""

    def __init__(self, requests: Requests, limits: Limits, knowledge: Knowledge, *, last: bool) -> None:
        self._limits = limits
        mode = limits.offset_mode or knowledge.offset_mode
        paging = None if mode is None else Paging(mode, limits.max_offset)
        remembered = limits.offset_mode is None and knowledge.offset_mode is not None
        self.attempt = Attempt(requests, paging, remembered=remembered, last=last)
        self._walk: Walk | None = None
        self._counts: dict[str, int] = {}

    @property
    def listed(self) -> int:
        return len(self.attempt.csrs)

    def run(self) -> bool:
        """Read until the list is whole or the budget spent; False when it has to be begun again."""
        try:
            self._read()
        except TornError:
            return False
        except BudgetSpentError:
            return True
        return True

    def _read(self) -> None:
        walk = self._walk = Walk(self.attempt, WHOLE)
        if not walk.finished and self.attempt.paging is None:
            self.attempt.paging = walk.calibrate(self._limits.max_offset)
        while self.attempt.paging and walk.advance(self.attempt.paging):
            pass
        if not walk.whole and walk.total is not None:
            self._counts = count(self.attempt)

    def inventory(self, requests: Requests) -> Inventory:
        listed = Counter(csr.algorithm for csr in self.attempt.csrs.values())
        reported = self._reported()
        return Inventory(
            csrs=tuple(self.attempt.csrs.values()),
            reported=reported,
            by_algorithm=MappingProxyType({} if reported is None else distribute(reported, self._counts, listed)),
            complete=self.complete,
            offset_mode=self.attempt.paging.mode if self.attempt.paging else OffsetMode.UNTESTED,
            requests=requests.sent,
            slices=len(requests.slices),
        )

    def learned(self) -> Knowledge:
        """What the next poll should know; an offset found useless is tried again after an incomplete poll."""
        mode = self.attempt.paging.mode if self.attempt.paging else OffsetMode.UNTESTED
        useless = mode is OffsetMode.IGNORED and not self.complete
        forget = self.attempt.torn or useless or mode is OffsetMode.UNTESTED or self._limits.offset_mode is not None
        return NOTHING if forget else Knowledge(offset_mode=mode)

    @property
    def complete(self) -> bool:
        return not self.attempt.torn and self.listed == self._reported() == self._total()

    def _total(self) -> int | None:
        """The service's own count, or what was read when it gives none and there was no more."""
        if self._walk is not None and self._walk.total is None and self._walk.whole:
            return self._walk.rows
        return self.attempt.sizes.get(WHOLE)

    def _reported(self) -> int | None:
        total = self._total()
        nameless = self._walk.nameless if self._walk else 0
        return None if total is None else max(total, self.listed + nameless)
