"""One attempt at reading the list: what it has read so far, and whether the list held still meanwhile."""

from __future__ import annotations

from csr_exporter.inventory import Csr, Page
from csr_exporter.listing.offsets import Paging
from csr_exporter.listing.pages import PAGE_SIZE, WHOLE, Requests, Slice


class TornError(Exception):
    """The list changed while it was read, or an offset does not mean what it was remembered to mean."""


class Attempt:
    """What one attempt has read. The first that is torn ends at once; the *last* one goes on and is incomplete.

    *paging* has the mode `OffsetMode.UNTESTED` until it is known what an offset means; *remembered* is True when an
    earlier poll found it out. *sizes* are the totals of the slices asked for, *counts* those of the algorithms.
    """

    def __init__(self, requests: Requests, paging: Paging, *, remembered: bool, last: bool) -> None:
        self._requests = requests
        self._last = last
        self._remembered = remembered
        self.paging = paging
        self.csrs: dict[str, Csr] = {}
        self._new: list[Csr] = []
        self.sizes: dict[Slice, int] = {}
        self.counts: dict[str, int] = {}
        self.torn = False

    def ask(self, part: Slice, offset: int = 0, size: int = PAGE_SIZE) -> Page:
        """One page, taken note of. Raises `TornError` when its total is not what it was."""
        page = self._requests.send(part, offset, size)
        for csr in page.csrs:
            if csr.id not in self.csrs:
                self.csrs[csr.id] = csr
                self._new.append(csr)
        total = page.total if part == WHOLE else _filtered_total(page, offset, size)
        if total is not None:
            before = self.sizes.get(part, total)
            self.sizes[part] = total
            if total != before:
                self.tear()
        return page

    def take_new(self) -> list[Csr]:
        """The CSRs read since this was last asked."""
        new, self._new = self._new, []
        return new

    def tear(self) -> None:
        """Take note that the list changed. Raises `TornError` unless this is the last attempt."""
        self.torn = True
        if not self._last:
            raise TornError

    def doubt(self) -> None:
        """Take note that rows the service counts do not come, which a meaning remembered wrongly would explain."""
        if self._remembered:
            self.tear()


def _filtered_total(page: Page, offset: int, size: int) -> int | None:
    """How many CSRs a filter selects: where one page shows them all, what it shows, else what the service says."""
    return page.entries if offset == 0 and page.entries < size else page.total
