"""A simulated cloud on a free port."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from csr_exporter.simulator import SimulatedAccount, Simulator

# Nothing is a time limit: a machine that is busy with something else must not turn a test red.
settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("suite")


@pytest.fixture
def account() -> SimulatedAccount:
    return SimulatedAccount("production", csrs=12)


@pytest.fixture
def simulator(account: SimulatedAccount) -> Iterator[Simulator]:
    with Simulator([account]) as simulator:
        yield simulator
