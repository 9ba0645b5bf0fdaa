"""How many CSRs there are of each algorithm, exact even where not every record could be listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping


def distribute(reported: int, counts: Mapping[str, int], listed: Counter[str]) -> dict[str, int]:
    """CSRs by algorithm, adding up to *reported*: as counted, else as *listed*, and under "" what is left over.

    No count is kept when one list cannot have all of them: fewer than were listed, or more than there are.
    """
    further = sum(number for algorithm, number in listed.items() if algorithm not in counts)
    enough = all(listed[algorithm] <= number for algorithm, number in counts.items())
    result = dict(counts) if enough and sum(counts.values()) + further <= reported else {}
    left = reported - sum(result.values())
    for algorithm, number in listed.most_common():
        if algorithm and algorithm not in result:
            result[algorithm] = min(number, left)
            left -= result[algorithm]
    return result | {"": left} if left else result
