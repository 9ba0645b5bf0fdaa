"""A simulated cloud on a free port, and how Hypothesis behaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from csr_exporter.simulator import SimulatedAccount, Simulator

# No test is held to a speed: a busy machine may take any time for an example.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture
def account() -> SimulatedAccount:
    return SimulatedAccount("production", csrs=12)


@pytest.fixture
def simulator(account: SimulatedAccount) -> Iterator[Simulator]:
    with Simulator([account]) as simulator:
        yield simulator
