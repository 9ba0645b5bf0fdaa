"""How many CSRs there are of each algorithm, exact even where not every record could be listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from csr_exporter.inventory import DOCUMENTED_ALGORITHMS, Page, Reason, SourceError
from csr_exporter.listing.attempt import Attempt
from csr_exporter.listing.pages import SMALL_PAGE_SIZE, WHOLE, Slice


def count(attempt: Attempt, size: int = SMALL_PAGE_SIZE) -> dict[str, int]:
    """Ask for one page of each algorithm and return the totals, until they explain the whole list.

    Empty when the service turns out not to filter by algorithm; without those it refuses to filter by.
    """
    counts: dict[str, int] = {}
    for algorithm in _frequent_first(attempt):
        if sum(counts.values()) == attempt.sizes.get(WHOLE):
            counts[algorithm] = 0
            continue
        try:
            page = attempt.ask(Slice(algorithm=algorithm), size=size)
        except SourceError as error:
            if error.reason is not Reason.BAD_REQUEST:
                raise
            continue
        if not _selects(page, algorithm, size):
            return {}
        counts[algorithm] = attempt.sizes[Slice(algorithm=algorithm)]
    if not _plausible(counts, attempt):
        attempt.tear()
        return {}
    return counts


def distribute(reported: int, counts: Mapping[str, int], listed: Counter[str]) -> dict[str, int]:
    """CSRs by algorithm, adding up to *reported*: as counted, else as *listed*, and under "" what is left over."""
    result = dict(counts) if sum(counts.values()) <= reported else {}
    left = reported - sum(result.values())
    for algorithm, number in listed.most_common():
        if algorithm and algorithm not in result:
            result[algorithm] = min(number, left)
            left -= result[algorithm]
    return result | {"": left} if left else result


def _frequent_first(attempt: Attempt) -> list[str]:
    """So that a list that few algorithms explain is explained by few requests."""
    listed = Counter(csr.algorithm for csr in attempt.csrs.values())
    return sorted(DOCUMENTED_ALGORITHMS, key=lambda algorithm: -listed[algorithm])


def _selects(page: Page, algorithm: str, size: int) -> bool:
    """Whether *page* and its total are of that algorithm alone."""
    whole = page.entries >= size or page.entries == page.total
    return page.total is not None and whole and all(csr.algorithm == algorithm for csr in page.csrs)


def _plausible(counts: Mapping[str, int], attempt: Attempt) -> bool:
    """Whether one list can have all these: its total, these counts, and the records read."""
    listed = Counter(csr.algorithm for csr in attempt.csrs.values())
    further = sum(number for algorithm, number in listed.items() if algorithm not in counts)
    fewer = all(listed[algorithm] <= number for algorithm, number in counts.items())
    return fewer and sum(counts.values()) + further <= attempt.sizes.get(WHOLE, 0)
