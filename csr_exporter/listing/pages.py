"""Requests for pages: which part of the list they are for, and how many a poll may send."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from csr_exporter.inventory import Page, Query, Rejection

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


class Requests:
    """Sends the requests of one poll, within its budget, and counts them and what they brought that is unusable.

    So many as *reserve* says are kept back.
    """

    def __init__(self, page: Callable[[Query], Page], budget: int) -> None:
        self._page = page
        self._budget = budget
        self.reserve = 0
        self.sent = 0
        self.slices: set[Slice] = set()
        self.rejected: Counter[Rejection] = Counter()

    def send(self, part: Slice, offset: int, size: int) -> Page:
        """Raises `BudgetSpentError`, and whatever `SourceError` the service gives cause for."""
        if self.sent >= self._budget - self.reserve:
            raise BudgetSpentError
        self.sent += 1
        self.slices.add(part)
        page = self._page(part.query(offset, size))
        self.rejected.update(page.rejected)
        return page
