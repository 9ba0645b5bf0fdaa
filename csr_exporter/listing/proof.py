"""Whether there was a moment of the poll at which the list was exactly what was read: the two proofs, and no third.

The rest of this room decides what to ask next, by expectations that may be wrong. What it decides can cost requests or
leave CSRs unread, but never make an inventory complete: that follows from the replies alone, by what is noted here.

Both proofs assume that ids are never used twice and that each reply shows one list at one time. The second also assumes
that a list whose first pages come newest first puts new CSRs before all others. docs/completeness.md has the reasoning.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise

from csr_exporter.inventory import Csr


@dataclass(frozen=True, slots=True)
class Top:
    """The first page of a list that comes newest first, and CSRs that are known to have been in the list with it.

    *newest* is the latest creation time in the list, *total* the number of CSRs in it.
    """

    newest: float
    first_page: frozenset[str]
    total: int
    present: frozenset[str]


class Evidence:
    """What the replies of one poll showed, in the order they came.

    *before* are ids seen in earlier polls. *top* is the last first page seen in them, *since* what was read after it.
    """

    def __init__(self, before: Collection[str], top: Top | None, since: Mapping[str, Csr]) -> None:
        self._before = before
        self._moment = 0
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._totals: dict[int, int] = {}
        self._bounds: dict[int, int] = {}
        self._shown_by_top: tuple[int, frozenset[str]] = (0, frozenset())
        self._starts: list[int] = []
        self._proof: tuple[int, frozenset[str]] | None = None  # asked for more often than it changes
        self.top = top
        self.since = dict(since)

    def begin(self) -> None:
        """Another reading of the list begins."""
        self._starts.insert(0, self._moment)
        self._proof = None

    def add(
        self, csrs: tuple[Csr, ...], total: int | None = None, *, first_page: bool = False, at_least: int | None = None
    ) -> None:
        """Note one reply. *total* is the length of the whole list, None where the reply does not tell it.

        Then it may still say that there are *at_least* so many, which carries records on but proves no list complete,
        unless another reply of the poll shows that the list is that long.
        """
        self._moment += 1
        self._proof = None
        if total is None and at_least in self._totals.values():
            total = at_least
        for csr in csrs:
            self._first.setdefault(csr.id, 0 if csr.id in self._before else self._moment)
            self._last[csr.id] = self._moment
            self.since[csr.id] = csr
        if total is not None:
            self._totals[self._moment] = total
            self._totals |= {moment: bound for moment, bound in self._bounds.items() if bound == total}
        elif at_least is not None:
            self._bounds[self._moment] = at_least
        if not newest_first(csrs):
            self.top = None
        if first_page:
            self._roll_forward(csrs, at_least if total is None else total, exact=total is not None)

    def distrust_totals(self) -> None:
        """The totals noted so far do not count the list."""
        self._totals.clear()
        self._proof = None
        self._bounds.clear()
        self._shown_by_top = (0, frozenset())
        self.top = None

    def proven(self) -> frozenset[str] | None:
        """The ids of the whole list at the latest moment at which it is known; None when it never is."""
        if self._proof is None:
            self._proof = max(self._shown_by_top, self._seen_twice(), key=lambda proof: proof[0])
        moment, ids = self._proof
        return ids if moment else None

    def _seen_twice(self) -> tuple[int, frozenset[str]]:
        """Proof 1: at one moment the list had as many CSRs as were seen both no later and no earlier than then.

        A CSR that was there before and after was there between, so these are in the list, and there is no room for
        others. How many they are at each moment is a running sum over where the CSRs begin and end to be seen.
        """
        change = [0] * (self._moment + 2)
        for identity, last in self._last.items():
            change[self._first[identity]] += 1
            change[last + 1] -= 1
        spanning = list(accumulate(change))
        for start in self._starts:
            totals = {moment: total for moment, total in self._totals.items() if moment > start}
            shown = sum(last > start for last in self._last.values())
            # Not needed for the proof, but where totals or replicas lag behind, it is what shows most often.
            if set(totals.values()) == {shown}:
                moment = max((moment for moment, total in totals.items() if spanning[moment] == total), default=0)
                ids = (each for each, last in self._last.items() if self._first[each] <= moment <= last)
                return moment, frozenset(ids if moment else ())
        return 0, frozenset()

    def _roll_forward(self, csrs: tuple[Csr, ...], total: int | None, *, exact: bool) -> None:
        """Proof 2: follow the list from the last first page to this one.

        All CSRs added since are on this page: they are at least as new as the newest then, and the page goes back
        further. If the total grew by as many, none was removed: what was in the list then still is. What was read
        since was in it then, or is new; what is newer than the end of this page and not on it is gone again.
        """
        before, self.top = self.top, None
        since, self.since = self.since, {}
        times = [csr.created_at for csr in csrs if csr.created_at is not None]
        if not times or len(times) < len(csrs) or total is None or not newest_first(csrs):
            return
        ids = frozenset(csr.id for csr in csrs)
        present = ids
        added = _added(csrs, before) if before is not None else 0
        if before is not None and times[-1] < before.newest and total == before.total + added:
            stayed = (csr.id for csr in since.values() if csr.created_at is not None and csr.created_at <= times[-1])
            present = ids.union(before.present, stayed)
        if len(present) == total and exact and not added:
            self._shown_by_top = (self._moment, present)
        if times[-1] < times[0]:
            self.top = Top(times[0], ids, total, present)


def newest_first(csrs: tuple[Csr, ...]) -> bool:
    """Whether creation times never increase from one row to the next, as far as they are known."""
    times = [csr.created_at for csr in csrs if csr.created_at is not None]
    return all(newer >= older for newer, older in pairwise(times))


def _added(csrs: tuple[Csr, ...], before: Top) -> int:
    """How many rows were added since *before*. Rows of the same time as its newest were all on its first page."""
    return sum(csr.id not in before.first_page and (csr.created_at or 0.0) >= before.newest for csr in csrs)
