"""The walk along one slice of the list, page by page."""

from __future__ import annotations

from dataclasses import replace

from csr_exporter.inventory import OffsetMode, Page, Reason, SourceError
from csr_exporter.listing.attempt import Attempt
from csr_exporter.listing.offsets import PROBES, Paging, meaning
from csr_exporter.listing.pages import PAGE_SIZE, Slice


class Walk:
    """How far one slice has been read. Beginning a walk asks for the first page."""

    def __init__(self, attempt: Attempt, part: Slice) -> None:
        self._attempt = attempt
        self.part = part
        self._ids: set[str] = set()
        self._pages = 0
        self._offset = 0
        self._stopped = False
        self._short = False
        self.rows = 0
        self.page = attempt.ask(part)
        self._absorb(self.page, again=0)

    @property
    def total(self) -> int | None:
        return self._attempt.sizes.get(self.part)

    @property
    def nameless(self) -> int:
        """How many of the rows have no id, or one that another row has too."""
        return max(0, self.rows - len(self._ids))

    @property
    def whole(self) -> bool:
        """Whether every row was read, as far as the service lets us know."""
        return self._short if self.total is None else self.rows >= self.total

    @property
    def size(self) -> int | None:
        """How many CSRs the slice has; None when that is not known."""
        return self.rows if self.total is None and self.whole else self.total

    @property
    def stopped(self) -> bool:
        """Whether the service had no more rows to give."""
        return self._stopped and not self.whole

    @property
    def finished(self) -> bool:
        return self.whole or self._stopped

    def advance(self, paging: Paging) -> bool:
        """Read one more page; False when there is none to read."""
        offset = None if self.finished else paging.next_offset(self.rows, self._pages, self.total)
        if offset is None:
            return False
        try:
            page = self._attempt.ask(self.part, offset)
        except SourceError as error:
            return self._refused(error, paging)
        self._offset = offset
        self._absorb(page, again=paging.expected_again(offset, self.rows))
        if self._stopped and not self.whole:
            self._attempt.doubt()
        return True

    def calibrate(self, max_offset: int | None) -> Paging:
        """Find out what an offset means, by the rows that come again; what the probes bring is read, too."""
        paging = Paging(OffsetMode.UNTESTED, max_offset)
        for offset in filter(paging.allows, PROBES):
            paging = replace(paging, mode=OffsetMode.IGNORED)
            try:
                page = self._attempt.ask(self.part, offset)
            except SourceError as error:
                return self._refused_probe(error, paging)
            mode = meaning(offset, self.page, page)
            if mode is not None:
                paging = replace(paging, mode=mode)
                self._offset = offset
                self._absorb(page, again=paging.expected_again(offset, self.rows))
                break
        return paging

    def _absorb(self, page: Page, again: int) -> None:
        """Take note of a page of which *again* rows should be known."""
        self.page = page
        ids = {csr.id for csr in page.csrs}
        repeated = len(ids & self._ids)
        nameless = self.nameless or page.entries > len(ids)
        self._stopped = page.entries == 0 or (bool(ids) and ids <= self._ids)
        self._short = page.entries < PAGE_SIZE
        self._pages += 1
        self._ids |= ids
        self.rows += max(0, page.entries - max(again, repeated))
        if repeated > again or (repeated < min(again, page.entries) and not nameless):
            self._attempt.tear()

    def _refused(self, error: SourceError, paging: Paging) -> bool:
        """An offset that the service refuses ends the walk; those to come stop at the last one it accepted."""
        if error.reason is not Reason.BAD_REQUEST:
            raise error
        self._attempt.paging = replace(paging, max_offset=self._offset)
        return False

    @staticmethod
    def _refused_probe(error: SourceError, paging: Paging) -> Paging:
        if error.reason is not Reason.BAD_REQUEST:
            raise error
        return paging
