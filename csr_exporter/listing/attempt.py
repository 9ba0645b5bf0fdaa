"""One attempt at reading the list: what it has read so far, and whether the list held still meanwhile."""

from __future__ import annotations

from csr_exporter.inventory import Csr, Page
from csr_exporter.listing.offsets import Paging
from csr_exporter.listing.pages import PAGE_SIZE, Requests, Slice


class TornError(Exception):
    """The list changed while it was read, or an offset does not mean what it was remembered to mean."""


class Attempt:
    """What one attempt has read. The first that is torn ends at once; the *last* one goes on and is incomplete.

    *paging* is None until it is known what an offset means; *remembered* is True when an earlier poll found it out.
    """

    def __init__(self, requests: Requests, paging: Paging | None, *, remembered: bool, last: bool) -> None:
        self._requests = requests
        self._last = last
        self._remembered = remembered
        self.paging = paging
        self.csrs: dict[str, Csr] = {}
        self.sizes: dict[Slice, int] = {}
        self.torn = False

    def ask(self, part: Slice, offset: int = 0, size: int = PAGE_SIZE) -> Page:
        """One page, taken note of. Raises `TornError` when its total is not what it was."""
        page = self._requests.send(part, offset, size)
        for csr in page.csrs:
            self.csrs.setdefault(csr.id, csr)
        if page.total is not None:
            before = self.sizes.get(part, page.total)
            self.sizes[part] = page.total
            if page.total != before:
                self.tear()
        return page

    def tear(self) -> None:
        """Take note that the list changed. Raises `TornError` unless this is the last attempt."""
        self.torn = True
        if not self._last:
            raise TornError

    def doubt(self) -> None:
        """Take note that rows the service counts do not come, which a meaning remembered wrongly would explain."""
        if self._remembered:
            self.tear()
