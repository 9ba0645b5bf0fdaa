"""What the rules cost a real Prometheus: one evaluation of each group, with the queries of its annotations."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping

from bench.prometheus import Prometheus, loaded
from bench.table import Figure, Row
from deploy.prometheus.rules import RULES

SIZES = ((100, 1_000), (1_000, 50))
EVALUATIONS = 5


def rows() -> Iterator[Row]:
    """Each group with few accounts of many CSRs, and with many of few."""
    for accounts, csrs in SIZES:
        with loaded(accounts, csrs, RULES) as server:
            for group, values in _evaluated(server).items():
                yield Row(f"rules {group}, {accounts} accounts of {csrs} CSRs, evaluation", Figure(values))


def _evaluated(server: Prometheus) -> Mapping[str, tuple[float, ...]]:
    """How long the evaluations of each group took, in seconds."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    while not found or min(map(len, found.values())) < EVALUATIONS:
        time.sleep(2)
        for group in server.get("rules")["groups"]:
            if group["evaluationTime"]:
                found[group["name"]][group["lastEvaluation"]] = group["evaluationTime"]
    return {name: tuple(each.values())[:EVALUATIONS] for name, each in found.items()}
