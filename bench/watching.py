"""What watching costs a real Prometheus, with few accounts of many CSRs, and with many of few."""

from __future__ import annotations

from collections.abc import Iterator

from bench import dashboards, rules
from bench.prometheus import loaded
from bench.table import Row

SIZES = ((100, 1_000), (1_000, 50))


def rows() -> Iterator[Row]:
    """The dashboards, and then the rules, in one world of each size."""
    for accounts, csrs in SIZES:
        world = f"{accounts} accounts of {csrs} CSRs"
        with loaded(accounts, csrs) as server:
            yield from dashboards.rows(server, world)
            yield from rules.rows(server, world)
