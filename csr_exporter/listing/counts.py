"""How many CSRs there are of each algorithm, exact even where not every record could be listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from csr_exporter.inventory import DOCUMENTED_ALGORITHMS, Page, Reason, SourceError
from csr_exporter.listing.attempt import Attempt
from csr_exporter.listing.pages import WHOLE, Slice


def count(attempt: Attempt, ask: Callable[[Slice], Page]) -> None:
    """Ask for a page of each algorithm and note their totals, until they explain the whole list.

    No count is kept when the service turns out not to filter by algorithm, none of one that it refuses to filter by.
    """
    for algorithm in _frequent_first(attempt):
        if sum(attempt.counts.values()) == attempt.sizes.get(WHOLE):
            break
        part = Slice(algorithm=algorithm)
        try:
            page = ask(part)
        except SourceError as error:
            if error.reason is not Reason.BAD_REQUEST:
                raise
            continue
        if part not in attempt.sizes or any(csr.algorithm != algorithm for csr in page.csrs):
            attempt.counts.clear()
            return
        attempt.counts[algorithm] = attempt.sizes[part]
    if not _plausible(attempt):
        attempt.counts.clear()
        attempt.tear()


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


def _plausible(attempt: Attempt) -> bool:
    """Whether one list can have all these: its total, these counts, and the records read."""
    counts = attempt.counts
    listed = Counter(csr.algorithm for csr in attempt.csrs.values())
    further = sum(number for algorithm, number in listed.items() if algorithm not in counts)
    fewer = all(listed[algorithm] <= number for algorithm, number in counts.items())
    return fewer and sum(counts.values()) + further <= attempt.sizes.get(WHOLE, 0)
