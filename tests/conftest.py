"""A simulated cloud on a free port."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from csr_exporter.simulator import SimulatedAccount, Simulator


@pytest.fixture
def account() -> SimulatedAccount:
    return SimulatedAccount("production", csrs=12)


@pytest.fixture
def simulator(account: SimulatedAccount) -> Iterator[Simulator]:
    with Simulator([account]) as simulator:
        yield simulator
