"""Builders of values, which supply everything a test does not speak of."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from csr_exporter.inventory import Csr, Inventory, Snapshot
from csr_exporter.status import Account, Status

NOW = 1_800_000_000.0
DAY = 86_400.0


def a_csr(identity: str = "48e3", **changes: Any) -> Csr:  # noqa: ANN401 - as `dataclasses.replace`
    """A CSR of a year ago, with *changes*."""
    usual = Csr(
        id=identity,
        name=f"shop-{identity}",
        domain=f"{identity}.shop.example",
        algorithm="EC_P256",
        usage="ENTERPRISE",
        created_at=NOW - 365 * DAY,
        updated_at=NOW - 365 * DAY,
    )
    return replace(usual, **changes)


def an_inventory(*csrs: Csr, **changes: Any) -> Inventory:  # noqa: ANN401 - as `dataclasses.replace`
    """A complete inventory of *csrs*, with *changes*."""
    counts = Counter(csr.algorithm for csr in csrs)
    return replace(Inventory(csrs, reported=len(csrs), by_algorithm=counts, complete=True), **changes)


def a_snapshot(*csrs: Csr, taken_at: float = NOW, **changes: Any) -> Snapshot:  # noqa: ANN401 - as `dataclasses.replace`
    """A snapshot of `an_inventory`."""
    return Snapshot.of(an_inventory(*csrs, **changes), taken_at)


def a_status(*csrs: Csr, name: str = "production", **changes: Any) -> Status:  # noqa: ANN401 - as `dataclasses.replace`
    """The status of an account after one good poll that took half a second."""
    return replace(Status(Account(name)).after_success(a_snapshot(*csrs), seconds=0.5), **changes)
