"""The walk along one slice of the list, page by page."""

from __future__ import annotations

from dataclasses import replace

from csr_exporter.inventory import OffsetMode, Page, Reason, SourceError
from csr_exporter.listing.offsets import PROBES, meaning
from csr_exporter.listing.pages import PAGE_SIZE, SMALL_PAGE_SIZE, Slice
from csr_exporter.listing.reader import AT_LEAST, Reader


class Walk:
    """How far one slice has been read. Beginning a walk asks for the first page.

    *rows* is how far down the slice it is, *pages* how many pages it took. *misled* is set when the rows show that an
    offset does not mean what it was taken to mean.
    """

    def __init__(self, reader: Reader, part: Slice) -> None:
        self._reader = reader
        self.part = part
        self.first_page = self.page = reader.ask(part)
        self._first_page_is_short = reader.page_is_short
        self._restart()

    def _restart(self) -> None:
        self._ids: set[str] = set()
        self._offset = 0
        self._unidentified = False
        self.exhausted = False
        self.rows = self.pages = 0
        self.misled = False
        self._absorb(self.first_page, 0, short=self._first_page_is_short)

    @property
    def total(self) -> int | None:
        return self._reader.total_of(self.part)

    @property
    def nameless(self) -> int:
        """How many of the rows have no id, or one that another row has too."""
        return max(0, self.rows - len(self._ids)) if self._unidentified else 0

    @property
    def ended(self) -> bool:
        """Whether no further row is to be expected."""
        if self.exhausted or self.total is None:
            return self.exhausted or self._short
        return max(self.rows, len(self._ids)) >= self.total != AT_LEAST

    @property
    def size(self) -> int | None:
        """How many CSRs the slice has; None when that is not known."""
        return self.rows if self.total is None and self.ended else self.total

    @property
    def whole(self) -> bool:
        """Whether each CSR of the slice was read. Rows that change places between two pages may hide some."""
        return self.ended and self.size is not None and len(self._ids) + self.nameless >= self.size

    def advance(self) -> bool:
        """Read one more page; False when there is none to read."""
        known = (self.total or 0) if self._reader.page_length == PAGE_SIZE else 0
        offset = None if self.ended else self._reader.paging.next_offset(self.rows, self.pages, known)
        if offset is None or (offset == self._offset and self.pages > 1):
            return False
        page = self._ask(offset)
        if page is None:
            return False
        self._absorb(page, offset, short=self._reader.page_is_short)
        return True

    def calibrate(self) -> None:
        """Find out what an offset means, by the rows that come again; what the probes bring is read, too."""
        if self.pages > 1:
            # Not by the page read before: a change of the list since then may be what misled.
            self.first_page = self._reader.ask(self.part)
        self._restart()
        paging = replace(self._reader.paging, mode=OffsetMode.UNTESTED)
        for offset in filter(paging.allows, PROBES):
            self._reader.paging = paging = replace(paging, mode=OffsetMode.IGNORED)
            page = self._ask(offset)
            if page is None:
                return
            mode = meaning(offset, self.first_page, page)
            if mode is not None:
                self._reader.paging = replace(paging, mode=mode)
                if mode is not OffsetMode.RECORD:  # whose probe shows the first page again, but for a row or two
                    self._absorb(page, offset, short=self._reader.page_is_short)
                return

    def try_total(self) -> bool:
        """Whether a total that the last, full page agrees with holds: then nothing comes after it."""
        for offset in self._offsets_beyond():
            page = self._ask(offset)
            if page is None:
                break
            # Another page with another total, or with further rows: the total was that of the page.
            if page.total != self.rows or any(csr.id not in self._ids for csr in page.csrs):
                return False
            if page.entries < PAGE_SIZE:
                return True
        return self._counts_more_than_the_page()

    def _offsets_beyond(self) -> tuple[int, ...]:
        """Where rows past the last would be, if there are any."""
        paging = self._reader.paging
        if paging.mode is OffsetMode.UNTESTED:
            return tuple(filter(paging.allows, PROBES))
        offset = paging.next_offset(self.rows, self.pages)
        return () if offset is None or offset == self._offset else (offset,)

    def _counts_more_than_the_page(self) -> bool:
        """Where offsets do not tell: whether the total is that of the list even where the page is shorter."""
        return self.rows > PAGE_SIZE or self._reader.ask(self.part, size=SMALL_PAGE_SIZE).total == self.rows

    def _ask(self, offset: int) -> Page | None:
        """A further page. An offset that the service refuses ends the walk; those to come stop at the last accepted."""
        try:
            return self._reader.ask(self.part, offset)
        except SourceError as error:
            if error.reason is not Reason.BAD_REQUEST:
                raise
            self._reader.paging = replace(self._reader.paging, max_offset=self._offset)
            return None

    def _absorb(self, page: Page, offset: int, *, short: bool) -> None:
        self.page, self._offset = page, offset
        ids = {csr.id for csr in page.csrs}
        again = len(ids & self._ids)
        by_record = self._reader.paging.mode is OffsetMode.RECORD and self.pages > 0
        expected = max(0, self.rows - offset) if by_record else 0
        # A row more or less may come again by a change of the list; half a page tells of another meaning of offsets.
        self.misled |= abs(again - min(expected, page.entries)) > page.entries / 2
        self.exhausted = page.entries == 0 or (bool(ids) and again == len(ids))
        self._short = short
        self._unidentified |= page.entries > len(ids)
        self._ids |= ids
        # Records counted from 1 bring one again at each page.
        self.rows += max(0, page.entries - max(again, expected)) if by_record else page.entries
        self.pages += 1
