"""What one list that comes newest first cannot show: a CSR that comes back, or comes between two older ones.

Replies that do so are not of one list at one time each, as both proofs assume. Nothing is proven by it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator

from csr_exporter.inventory import Csr
from csr_exporter.listing.pages import WHOLE, Slice
from csr_exporter.listing.proof import newest_first


class Order:
    """The pages of the list and of algorithms that one poll has read, and all CSRs it was shown.

    *before* is the list as it was once complete, *newest* the latest creation time in it if it came newest first.
    """

    def __init__(self, before: Collection[str], newest: float | None) -> None:
        self._before = before
        self._newest = newest
        self._moment = 0
        self._pages: list[tuple[int, str | None, tuple[Csr, ...]]] = []
        self._shown: dict[str, tuple[int, Csr]] = {}
        self._absent: tuple[int, dict[str, int]] = (0, {})
        self.newest_first = True

    def add(self, part: Slice, csrs: tuple[Csr, ...]) -> None:
        """Note one reply."""
        self._moment += 1
        self._shown |= {csr.id: (self._moment, csr) for csr in csrs}
        ordered = newest_first(csrs) and all(csr.created_at is not None for csr in csrs)
        self.newest_first &= ordered or part != WHOLE
        filtered = all(part.algorithm in {None, csr.algorithm} for csr in csrs)
        if csrs and ordered and filtered and part.name is None:
            self._pages.append((self._moment, part.algorithm, csrs))

    def contradicted(self) -> bool:
        """Whether a CSR was shown after a page that lacks it though it belongs between two rows of that page.

        Or after the list was complete without it, though it is not the newest.
        """
        return self.newest_first and (
            any(self._shown[each][0] > moment for each, moment in self.absent().items()) or self._came_back()
        )

    def absent(self) -> dict[str, int]:
        """The CSRs that a page lacks, with the moment of the first such page; none in a list of another order."""
        if self._absent[0] != self._moment:
            self._absent = self._moment, dict(self._find_absent()) if self.newest_first else {}
        return self._absent[1]

    def _find_absent(self) -> Iterator[tuple[str, int]]:
        shown = sorted((csr.created_at, each) for each, (_, csr) in self._shown.items() if csr.created_at is not None)
        times = [time for time, _ in shown]
        for moment, algorithm, page in reversed(self._pages):
            oldest, newest = page[-1].created_at or 0.0, page[0].created_at or 0.0
            there = {csr.id for csr in page}
            between = (each for _, each in shown[bisect_right(times, oldest) : bisect_left(times, newest)])
            absent = (each for each in between if each not in there)
            yield from ((each, moment) for each in absent if algorithm in {None, self._shown[each][1].algorithm})

    def _came_back(self) -> bool:
        if self._newest is None:
            return False
        others = (csr.created_at for each, (_, csr) in self._shown.items() if each not in self._before)
        return any(created_at is not None and created_at < self._newest for created_at in others)
