"""A Prometheus with half a day of two fleets to look at, one well and one with troubles, until a signal arrives.

``python -m tests.dashboards.gallery DIRECTORY`` takes some minutes to live through the time and then prints the
address. The jobs are ``csr-exporter``, with two replicas, and ``failing``; from then on the rules are evaluated.
"""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path
from typing import Any

import structlog

from csr_exporter.simulator import SimulatedAccount, Simulator
from csr_exporter.simulator.faults import Fault, Mutation, Status
from tests.dashboards.history import Replica, Scenario, Span
from tests.dashboards.stage import HOUR, POLICY, stage, with_password, with_token

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "csr-exporter.rules.yml"
SPAN = Span(length=13 * HOUR)
A_DAY = 1 / 1440
"""One change a day, in changes per minute."""

WELL = (
    SimulatedAccount("production", csrs=140, seed=1, churn_per_minute=30 * A_DAY, latency=0.03),
    SimulatedAccount(
        "payments", csrs=75, seed=3, offset_mode="page1", churn_per_minute=12 * A_DAY, token_lifetime=21600
    ),
    SimulatedAccount("staging", csrs=230, seed=2, offset_mode="page", churn_per_minute=40 * A_DAY, latency=0.02),
    SimulatedAccount("sandbox", csrs=18, seed=4, churn_per_minute=4 * A_DAY),
)
TROUBLED = (
    SimulatedAccount("shop", csrs=120, seed=11, churn_per_minute=20 * A_DAY),
    SimulatedAccount("billing", csrs=64, seed=12),
    SimulatedAccount("archive", csrs=420, seed=13, churn_per_minute=10 * A_DAY),
    SimulatedAccount("partners", csrs=35, seed=14),
    SimulatedAccount("legacy", csrs=88, seed=15, token_lifetime=21600),
)


def _credentials(account: SimulatedAccount, url: str) -> dict[str, Any]:
    """Tokens, passwords for two, and for one a token that was never valid."""
    if account.name in {"payments", "legacy"}:
        return with_password(account, url)
    return {"kind": "token", "token": "wrong"} if account.name == "partners" else with_token(account, url)


def _bad_record(simulator: Simulator) -> None:
    simulator.add("legacy", {"name": "no id", "domain_name": "odd.example"})


def _clean_up(simulator: Simulator) -> None:
    identities = [record["id"] for record in simulator.records("legacy") if "id" in record]
    for identity in identities[:30]:
        simulator.remove("legacy", identity)


EVENTS = (
    (9 * HOUR, lambda simulator: simulator.inject("shop", Fault(Status(503), seconds=1.2 * HOUR))),
    (6 * HOUR, lambda simulator: simulator.inject("shop", Fault(Status(429), share=0.35))),
    (5 * HOUR, _bad_record),
    (4 * HOUR, lambda simulator: simulator.inject("legacy", Fault(Mutation("reorder"), share=0.2))),
    (3 * HOUR, _clean_up),
    (2.6 * HOUR, lambda simulator: simulator.expire_tokens("billing")),
)
REPLICAS = (Replica("csr-exporter", "csr-exporter-0:10065"), Replica("csr-exporter", "csr-exporter-1:10065", lag=140))
FLEETS = (
    Scenario(WELL, POLICY, REPLICAS, _credentials, {"production": 200, "staging": 300}),
    Scenario(
        TROUBLED, POLICY, (Replica("failing", "failing-0:10065"),), _credentials, {"shop": 110, "billing": 70}, EVENTS
    ),
)

if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with stage(Path(sys.argv[1]), FLEETS, SPAN, RULES.read_text(encoding="utf-8")) as running:
        print(running.prometheus.url, flush=True)  # noqa: T201 - what this is for
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
