"""What the rules cost a real Prometheus: one evaluation of each group, with the queries of its annotations."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from bench.prometheus import SECONDS, Prometheus
from bench.table import Figure, Row, at_most
from deploy.prometheus.rules import groups

EVERY = 10
EVALUATIONS = 3
"""After the first, which finds nothing in any cache."""

Costs = tuple[tuple[float, ...], tuple[float, ...]]
"""The CPU and the wall time of some evaluations, in seconds."""


def rows(server: Prometheus, world: str) -> Iterator[Row]:
    """CPU and wall time of each group, and of all of them together, in a *world*."""
    spent: dict[str, Costs] = {}
    for name, rules in measured().items():
        spent[name] = _evaluated(server, {"name": name, "rules": rules})
        for what, seconds in zip(("CPU", "wall"), spent[name], strict=True):
            yield Row(f"rules {name}, {world}, evaluation, {what}", Figure(seconds))
    del spent["oldest"]  # it is part of another
    for what, each in zip(("CPU", "wall"), zip(*spent.values(), strict=True), strict=True):
        together = tuple(map(sum, zip(*each, strict=True)))
        yield Row(f"all rules, {world}, evaluation, {what}", Figure(together), wanted=at_most(2.0))


def measured() -> dict[str, list[Any]]:
    """The rules by group. Alerts do not wait: what they say is evaluated while they wait, too.

    Those on old CSRs name them by a record of another group, which would end if it were not evaluated with them.
    """
    rules = {
        group["name"].removeprefix("csr-exporter."): [
            {key: value for key, value in rule.items() if key != "for"} for rule in group["rules"]
        ]
        for group in groups()
    }
    rules["oldest and hygiene"] = rules["oldest"] + rules.pop("hygiene")
    return rules


def _evaluated(server: Prometheus, group: dict[str, Any]) -> Costs:
    server.evaluate(group, EVERY)
    cpu, wall = [_next(server)], []
    for _ in range(EVALUATIONS):
        cpu.append(_next(server))
        wall.append(server.own("prometheus_rule_group_last_duration_seconds"))
    return tuple(after - before for before, after in pairwise(cpu)), tuple(wall)


def _next(server: Prometheus) -> float:
    """The CPU seconds that the server has taken when the next evaluation is done. Raises `TimeoutError`."""
    last, deadline = _evaluated_at(server), time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        time.sleep(1)
        if (now := _evaluated_at(server)) > 0 and now != last:
            return server.own("process_cpu_seconds_total")
    raise TimeoutError("no group of rules is evaluated")


def _evaluated_at(server: Prometheus) -> float:
    return server.own("prometheus_rule_group_last_evaluation_timestamp_seconds")
