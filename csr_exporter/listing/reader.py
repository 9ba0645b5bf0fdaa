"""Asks for pages, and notes what they show."""

from __future__ import annotations

from dataclasses import replace

from csr_exporter.inventory import Csr, OffsetMode, Page
from csr_exporter.listing.knowledge import Habits
from csr_exporter.listing.offsets import Paging
from csr_exporter.listing.order import Order
from csr_exporter.listing.pages import PAGE_SIZE, WHOLE, Requests, Slice
from csr_exporter.listing.proof import Evidence

AT_LEAST = 10_000
"""A total of so many means that many or more. Source: "Querying the CSR List", Table 4."""


class Reader:
    """Reads pages for one poll. *csrs* and *totals* are what the current reading of the list has shown.
    *at_once* are the CSRs of a page that showed the whole list and its end.

    *paging* has the mode `OffsetMode.UNTESTED` until it is known what an offset means.
    """

    def __init__(self, requests: Requests, evidence: Evidence, order: Order, paging: Paging, habits: Habits) -> None:
        self._requests = requests
        self.evidence = evidence
        self.order = order
        self.paging = paging
        self.habits = habits
        self.page_length = 0
        self.page_is_short = False
        self.csrs: dict[str, Csr] = {}
        self.every_csr: dict[str, Csr] = {}
        self.totals: dict[Slice, int] = {}
        self.total: int | None = None
        self.changed = False
        self.filters_algorithms = True
        self.at_once: frozenset[str] | None = None
        self.readings = 0
        self.end_seen = False
        self._past_totals: list[int] = []
        self._total_contradicted = False

    def begin(self) -> None:
        """Begin to read the list anew."""
        self.readings += 1
        self.evidence.begin()
        self.csrs, self.totals, self.total, self.changed = {}, {}, None, False

    def ask(self, part: Slice, offset: int = 0, size: int = PAGE_SIZE) -> Page:
        """One page. Raises `SourceError` and `BudgetSpentError`."""
        page = self._requests.send(part, offset, size)
        # Pages of fewer rows than asked for may be all that this service gives, so the longest one sets the measure.
        self.page_is_short = page.entries < min(size, self.page_length or size)
        for csr in page.csrs:
            self.csrs[csr.id] = self.every_csr[csr.id] = csr
        if any(csr.algorithm != part.algorithm for csr in page.csrs if part.algorithm):
            self.filters_algorithms = False
        self.order.add(part, page.csrs)
        if part == WHOLE:
            self._note_list(page, offset, size)
        else:
            self.evidence.add(page.csrs)
            if page.total is not None:
                total = max(page.total, page.entries)
                self.changed |= self.habits.counts_list is True and self.totals.get(part, total) != total
                self.totals[part] = total
        self.page_length = max(self.page_length, page.entries)
        return page

    def total_of(self, part: Slice) -> int | None:
        """How many CSRs are in *part* by the service's count, where that can be relied on."""
        if part == WHOLE:
            return self.total
        return self.totals.get(part) if self.habits.counts_slices and self.habits.counts_list is not False else None

    @property
    def window(self) -> int | None:
        """How many rows of a slice can be reached; None when there is no bound.

        Pages that are shorter than asked for leave gaps, unless offsets count records.
        """
        if not 0 < self.page_length < PAGE_SIZE:
            return self.paging.window
        if self.paging.mode is not OffsetMode.RECORD:
            return self.page_length
        return None if self.paging.max_offset is None else self.paging.max_offset + self.page_length

    @property
    def counts(self) -> dict[str, int]:
        """The totals of the algorithms that were asked for, if that is what the service counts."""
        parts = (
            [part for part in self.totals if part.algorithm and part.name is None] if self.filters_algorithms else []
        )
        return {part.algorithm or "": total for part in parts if (total := self.total_of(part)) is not None}

    @property
    def contradicts_itself(self) -> bool:
        """Whether a reply showed that the service does not answer from one list at a time."""
        return self._total_contradicted or self.order.contradicted()

    def trust_totals(self) -> None:
        """The service's ``total`` was found to count the list."""
        self.habits = replace(self.habits, counts_list=True)

    def distrust_totals(self) -> None:
        """The service's ``total`` turned out not to count the list."""
        self.habits = replace(self.habits, counts_list=False)
        self.evidence.distrust_totals()
        self.total, self.changed = None, False

    def _note_list(self, page: Page, offset: int, size: int) -> None:
        total = page.total
        if total is not None and total > page.entries and self.habits.counts_list is False:
            self.habits = replace(self.habits, counts_list=None)
        if self.habits.counts_list is False:
            total = None
        if total is not None:
            self._note_total(total)
            self._total_contradicted |= self._shows_another_length(page, offset)
        self.end_seen |= page.entries < size
        if total == page.entries < size:
            self.at_once = frozenset(csr.id for csr in page.csrs)
        length = self._length_by_end(page, offset, total) if total is None or total == AT_LEAST else total
        first_page = offset == 0 and size == PAGE_SIZE
        self.evidence.add(page.csrs, length, first_page=first_page, at_least=total)

    def _note_total(self, total: int) -> None:
        self.changed |= self.total is not None and total != self.total
        self.total = total
        if self._past_totals[-1:] != [total]:
            self._total_contradicted |= total in self._past_totals
            self._past_totals.append(total)

    def _shows_another_length(self, page: Page, offset: int) -> bool:
        """Whether a page ends the list elsewhere than its own total does."""
        row, total = self.paging.row_at(offset), page.total or 0
        if row is None or not page.entries or self.paging.mode is OffsetMode.UNTESTED or total >= AT_LEAST:
            return False
        end = row + page.entries
        return end > total or (end < total and page.entries < self.page_length and self.page_is_short)

    def _length_by_end(self, page: Page, offset: int, at_least: int | None) -> int | None:
        """How long the list is where its end shows: after a page that is short.

        An empty page shows it only behind *at_least* rows: an offset that means something else than it was found to
        mean brings one, too.
        """
        row = self.paging.row_at(offset)
        if row is None or not self.page_is_short:
            return None
        return row + page.entries if page.entries or row == at_least else None
