"""Builders of values, which supply everything a test does not speak of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from csr_exporter.inventory import Csr

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
