"""What the service means by ``offset``, which the reference does not say and others found faulty."""

from __future__ import annotations

from dataclasses import dataclass

from csr_exporter.inventory import OffsetMode, Page
from csr_exporter.listing.pages import PAGE_SIZE

PROBES = (1, 2)
"""The offsets that tell the meanings apart: a 1 is the same as 0 to a service that counts from 1."""


@dataclass(frozen=True, slots=True)
class Paging:
    """What an offset means, and the largest that may be sent (None: any)."""

    mode: OffsetMode
    max_offset: int | None

    @property
    def window(self) -> int | None:
        """How many rows of a slice can be reached; None when there is no bound."""
        if self.mode not in {OffsetMode.RECORD, OffsetMode.PAGE, OffsetMode.PAGE1}:
            return PAGE_SIZE
        if self.max_offset is None:
            return None
        return {
            OffsetMode.RECORD: self.max_offset + PAGE_SIZE,
            OffsetMode.PAGE: (self.max_offset + 1) * PAGE_SIZE,
        }.get(self.mode, max(1, self.max_offset) * PAGE_SIZE)

    def allows(self, offset: int) -> bool:
        return self.max_offset is None or offset <= self.max_offset

    def next_offset(self, rows: int, pages: int, total: int = 0) -> int | None:
        """The offset that goes on after the first *rows* rows, read in *pages* pages; None when none does.

        With the *total* number of rows, pages overlap as far as that costs no request.
        """
        match self.mode:
            case OffsetMode.RECORD:
                offset = rows if total > (self.window or total) else rows - _overlap(rows, total)
                # The last offset allowed reaches rows beyond those before it.
                return offset if self.max_offset is None else min(offset, self.max_offset)
            case OffsetMode.PAGE:
                offset = pages
            case OffsetMode.PAGE1:
                offset = pages + 1
            case _:
                return None
        return offset if self.allows(offset) else None

    def row_at(self, offset: int) -> int | None:
        """How many rows come before the page at *offset*; None where that is not known."""
        match self.mode:
            case OffsetMode.RECORD:
                return offset
            case OffsetMode.PAGE:
                return offset * PAGE_SIZE
            case OffsetMode.PAGE1:
                return max(0, offset - 1) * PAGE_SIZE
            case _:
                return None if offset else 0


def _overlap(rows: int, total: int) -> int:
    """How many rows to read again, so that one that moves up meanwhile is not missed.

    The last page stays short, which shows the end of the list.
    """
    further_pages = -(-(total - rows) // PAGE_SIZE)
    spare = further_pages * PAGE_SIZE - (total - rows) - 1
    return max(0, min(spare // further_pages, PAGE_SIZE - 1)) if further_pages > 0 else 0


def meaning(offset: int, first: Page, probe: Page) -> OffsetMode | None:
    """What *offset*, 1 or 2, means if it brought *probe* after a full *first* page; None if it brought the same again.

    49 of 50 come again where it counts records, none where it counts pages. A list that changes in between may bring
    one more or less of either, so the majority decides. `OffsetMode.UNTESTED` if nothing can be told.
    """
    known = {csr.id for csr in first.csrs}
    ids = {csr.id for csr in probe.csrs}
    if not known or not ids:
        return OffsetMode.UNTESTED
    if ids <= known:
        return OffsetMode.RECORD if probe.entries < first.entries else None
    if len(ids & known) <= len(ids - known):
        return OffsetMode.PAGE if offset == PROBES[0] else OffsetMode.PAGE1
    # The first page again, in another order, is not one row further down: the next probe tells.
    shifted = first.csrs[0].id not in ids and len(ids - known) == 1
    return OffsetMode.RECORD if shifted or offset != PROBES[0] else None
