"""Simulated accounts that do not change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from csr_exporter.cloud.replies import read_page
from csr_exporter.inventory import Csr, Inventory
from csr_exporter.simulator.records import Generator
from csr_exporter.status import Account, Status

NOW = 1_800_000_000.0
PAGE = 50


def replies(count: int) -> Iterator[bytes]:
    """The bodies of all pages of an account with *count* CSRs."""
    records = Generator(seed=1).history(count, NOW)
    for start in range(0, count, PAGE):
        yield json.dumps({"csr_list": records[start : start + PAGE], "total": count}).encode()


def a_status(bodies: Iterator[bytes]) -> Status:
    """The status of an account after a poll that got *bodies*."""
    csrs: list[Csr] = []
    for body in bodies:
        csrs += read_page(body, NOW).csrs
    counts = Counter(csr.algorithm for csr in csrs)
    inventory = Inventory(tuple(csrs), reported=len(csrs), by_algorithm=counts, complete=True)
    return Status(Account("production", stale_after=1e9)).after_success(inventory, NOW, seconds=1.0)
