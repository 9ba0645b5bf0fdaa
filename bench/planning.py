"""The first poll of an account whose CSRs are far beyond what offsets reach: what it takes beyond the requests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache

from bench.table import Figure, Row, at_most
from bench.world import NOW, replies
from csr_exporter.cloud.replies import read_page
from csr_exporter.inventory import Csr, Page, Query
from csr_exporter.listing import Limits, read

SIZE = 9_999  # of 10000 the service says only "at least", so no list that has to be divided is proven complete
RUNS = 1
LIMITS = Limits(max_offset=100, max_requests=10_000)


def rows() -> Iterator[Row]:
    """CPU without that of the list, which is not ours, and requests."""
    csrs = [csr for body in replies(SIZE) for csr in read_page(body, NOW).csrs]
    runs = [_planned(csrs) for _ in range(RUNS)]
    what = f"first poll of {SIZE} CSRs, of which offsets reach 150"
    yield Row(f"{what}, planning, CPU", Figure(tuple(seconds for seconds, _ in runs)), wanted=at_most(1.5))
    yield Row(f"{what}, requests", Figure((float(runs[0][1]),), ""))


def _planned(csrs: list[Csr]) -> tuple[float, int]:
    """The CPU seconds of one poll, and how many requests it sent."""
    elsewhere = 0.0

    @cache
    def selected(name: str | None, algorithm: str | None) -> list[Csr]:
        return [csr for csr in csrs if algorithm in {None, csr.algorithm} and (name or "") in csr.name]

    def page(query: Query) -> Page:
        nonlocal elsewhere
        started = time.process_time()
        found = selected(query.name, query.algorithm)
        rows = tuple(found[query.offset : query.offset + query.limit])
        elsewhere += time.process_time() - started
        return Page(rows, len(found), len(rows))

    started = time.process_time()
    inventory = read(page, LIMITS).inventory
    if not inventory.complete:
        raise AssertionError("expected a complete inventory")
    return time.process_time() - started - elsewhere, inventory.requests
