"""Requests for pages: which part of the list they are for, and how many a poll may send."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from csr_exporter.inventory import Page, Query, Rejection, SourceError

PAGE_SIZE = 50
"""The largest of the three sizes the service accepts. Source: "Querying the CSR List", Table 1."""

SMALL_PAGE_SIZE = 10
"""The smallest one, for a query whose total is all we ask for."""


class BudgetSpentError(Exception):
    """The poll has sent all the requests it may send."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The CSRs that one filter selects; without a filter, the whole list."""

    name: str | None = None
    algorithm: str | None = None

    def query(self, offset: int, size: int) -> Query:
        return Query(offset=offset, limit=size, name=self.name, algorithm=self.algorithm)


WHOLE = Slice()


class Ahead(Protocol):
    """Whoever can ask for pages before they are needed."""

    def expect(self, queries: Iterable[Query]) -> None:
        """Is told which pages will be asked for, in their order, unless something unforeseen comes."""

    def forget(self) -> int:
        """Expect nothing any more; how many requests were sent for pages that nobody has asked for."""


class NothingAhead:
    """Asks for no page before it is needed."""

    def expect(self, queries: Iterable[Query]) -> None:
        pass

    def forget(self) -> int:
        return 0


class Requests:
    """Sends the requests of one poll, within its budget, and counts them and what they brought that is unusable.

    So many as *reserve* says are kept back.
    """

    def __init__(self, page: Callable[[Query], Page], budget: int, ahead: Ahead) -> None:
        self._page = page
        self._budget = budget
        self._ahead = ahead
        self._expected: deque[Query] = deque()
        self.reserve = 0
        self.sent = 0
        self.slices: set[Slice] = set()
        self.rejected: Counter[Rejection] = Counter()

    def send(self, part: Slice, offset: int, size: int) -> Page:
        """Raises `BudgetSpentError`, and whatever `SourceError` the service gives cause for."""
        query = part.query(offset, size)
        if not self._expected or self._expected.popleft() != query:
            self.forget()
        if self._left <= 0:
            raise BudgetSpentError
        self.sent += 1
        self.slices.add(part)
        try:
            page = self._page(query)
        except SourceError:
            self.forget()
            raise
        self.rejected.update(page.rejected)
        return page

    def expect(self, part: Slice, offsets: Iterable[int]) -> None:
        """Foresee that the pages at *offsets* of *part* are the next, as far as the budget goes."""
        self.forget()
        self._expected.extend(part.query(offset, PAGE_SIZE) for offset in islice(offsets, max(0, self._left)))
        self._ahead.expect(tuple(self._expected))

    def forget(self) -> None:
        """Foresee nothing any more. What was sent in vain counts."""
        self._expected.clear()
        self.sent += self._ahead.forget()

    @property
    def _left(self) -> int:
        return self._budget - self.reserve - self.sent
