"""Healthy exporters raise nothing: what they print, minute by minute, goes through the rules in promtool."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from csr_exporter.inventory import Exchange, Service
from csr_exporter.metrics import Exposed, exporter_families, families
from csr_exporter.status import Account, Reloads, Status
from deploy.prometheus.cases import JOB, series_of
from deploy.prometheus.rules import RULES
from tests.fakes import DAY, a_csr, an_inventory
from tests.rules.promtool import tried

MINUTES = 120
POLL_EVERY = 5
NEW_EVERY = 60
"""Minutes between two polls, and between two new CSRs."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One exporter: whom it polls, the minute of its first poll, and from when to when it runs."""

    name: str
    accounts: Sequence[str]
    first_poll: int = 0
    start: int = 0
    end: int = MINUTES

    def series(self) -> Iterator[dict[str, str]]:
        """All that Prometheus scrapes of it, a sample a minute, and no more once it is gone."""
        values: dict[tuple[str, tuple[tuple[str, str], ...]], dict[int, float]] = defaultdict(dict)
        for minute, name, labels, value in self._scraped():
            values[name, (*sorted(labels.items()),)][minute] = value
        target = {"job": JOB, "instance": self.name, "pod": f"exporter-{self.name}"}
        for (name, own), each in values.items():
            samples = (f"{each[minute]:.6f}" if minute in each else "stale" for minute in range(MINUTES))
            yield {"series": series_of(name, **target, **dict(own)), "values": " ".join(samples)}

    def _scraped(self) -> Iterator[tuple[int, str, Mapping[str, str], float]]:
        statuses = [Status(Account(name, limit=500)) for name in self.accounts]
        for minute in range(self.start, self.end):
            if (minute - self.start - self.first_poll) % POLL_EVERY == 0:
                statuses = [polled(status, minute) for status in statuses]
            exposed = families(statuses, Exposed(), now=minute * 60.0)
            for family in [*exposed, *exporter_families(Reloads("same", self.start * 60.0))]:
                yield from ((minute, sample.name, sample.labels, sample.value) for sample in family.samples)
            yield minute, "up", {}, 1.0


def polled(status: Status, minute: int) -> Status:
    """*status* after one good poll of a list that grows by a CSR an hour."""
    csrs = [a_csr(str(number), created_at=-number * 20 * DAY) for number in range(12 + minute // NEW_EVERY)]
    answered = status.traffic.after(Exchange(Service.SCM, "200", seconds=0.2, clock_skew=-0.5))
    return replace(status, traffic=answered).after_success(an_inventory(*csrs), minute * 60.0, seconds=0.5)


ACCOUNTS = ("production", "staging", "sandbox")

INSTALLATIONS = {
    "one instance": (Instance("one", ACCOUNTS),),
    "two replicas": (Instance("one", ACCOUNTS), Instance("two", ACCOUNTS, first_poll=3)),
    "two shards": (Instance("one", ACCOUNTS[:2]), Instance("two", ACCOUNTS[2:], first_poll=1)),
    "an instance that is replaced": (
        Instance("one", ACCOUNTS, end=90),
        Instance("two", ACCOUNTS, first_poll=1, start=92),
    ),
}


def nothing_raised(installation: Sequence[Instance]) -> dict[str, Any]:
    """A test for promtool: the rules see the accounts, but at no time does an alert fire, nor wait at the end."""
    end = f"{MINUTES - 1}m"
    seen = {"labels": "{}", "value": len(ACCOUNTS)}
    return {
        "interval": "1m",
        "input_series": [each for instance in installation for each in instance.series()],
        "promql_expr_test": [
            {"expr": "count(account:scm_csr_reported:max)", "eval_time": end, "exp_samples": [seen]},
            {"expr": f'count_over_time(ALERTS{{alertstate="firing"}}[{MINUTES}m])', "eval_time": end},
            {"expr": "ALERTS", "eval_time": end},
        ],
    }


@pytest.mark.parametrize("installation", INSTALLATIONS.values(), ids=INSTALLATIONS)
def test_a_healthy_installation_is_quiet(installation: Sequence[Instance], tmp_path: Path) -> None:
    result = tried(nothing_raised(installation), tmp_path, RULES)

    assert result.returncode == 0, result.stdout + result.stderr
