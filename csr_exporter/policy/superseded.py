"""Which CSRs a newer one replaces, as far as names tell: a hint, for they do not tell whether the old key is in use."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from csr_exporter.inventory import Csr
from csr_exporter.policy.rules import Texts

BLOCK = 4096
"""CSRs that are compared with at once, a bit for each. Larger blocks are faster, and take memory for each name."""


def superseded_at(csrs: Iterable[Csr]) -> Mapping[str, float]:
    """When the first newer CSR was created that covers all names of a CSR, by the id of that; without those of none.

    Of *csrs*, one account's, those of unknown age or without names supersede nothing, and are not superseded.
    """
    dated = sorted((csr.created_at, csr.id, Texts.of(csr).domains) for csr in csrs if csr.created_at is not None)
    times = [time for time, _, _ in dated]
    covers = [[(name, _wildcard(name)) for name in names] for _, _, names in dated]
    newer = [bisect_right(times, time) for time in times]
    pending: Sequence[int] = [place for place, names in enumerate(covers) if names]
    found: dict[str, float] = {}
    for start in range(0, len(dated), BLOCK):
        holders = _holders(names for _, _, names in dated[start : start + BLOCK])
        left = []
        for place in pending:
            first = _first(holders, covers[place], max(0, newer[place] - start))
            if first is None:
                left.append(place)
            else:
                found[dated[place][1]] = times[start + first]
        pending = left
    return found


def _wildcard(name: str) -> str:
    """The wildcard of one label that covers *name*; a wildcard covers itself."""
    return f"*.{name.partition('.')[2]}"


def _holders(block: Iterable[Sequence[str]]) -> Mapping[str, int]:
    """For each name a bit for each CSR of *block* that has it."""
    holders: dict[str, int] = {}
    for bit, names in enumerate(block):
        for name in names:
            holders[name] = holders.get(name, 0) | 1 << bit
    return holders


def _first(holders: Mapping[str, int], covers: Sequence[tuple[str, str]], start: int) -> int | None:
    """The first CSR from *start* on that has, of each pair of *covers*, one or the other."""
    covering = -1 << start
    for name, wildcard in covers:
        covering &= holders.get(name, 0) | holders.get(wildcard, 0)
        if not covering:
            return None
    return (covering & -covering).bit_length() - 1
