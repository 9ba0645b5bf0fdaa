"""The rules for the textfile collector, over what runs of ``once`` leave behind, each of which begins anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from csr_exporter.inventory import Reason, SourceError
from csr_exporter.metrics import Exposed, exporter_families, families
from csr_exporter.status import Account, Reloads, Status
from deploy.prometheus.cases import series_of
from deploy.prometheus.rules import TEXTFILE_RULES
from tests.rules.promtool import tried
from tests.rules.test_rules_quiet import polled

EVERY = 5
MINUTES = 120
TROUBLE = 60
"""Minutes between two runs, of the whole test, and after which something goes wrong."""

Run = Callable[[Status, int], Status]


def fails(status: Status, minute: int) -> Status:
    return status.after_failure(SourceError(Reason.FORBIDDEN, "SCM.403"), minute * 60.0, seconds=0.5)


def samples(runs: Mapping[int, Run]) -> list[dict[str, str]]:
    """What the node exporter shows: the file of the last of *runs*, by minute."""
    values: dict[str, dict[int, float]] = defaultdict(dict)
    for minute in range(MINUTES):
        at = max(each for each in runs if each <= minute)
        status = runs[at](Status(Account("production", limit=500)), at)
        build = [each for each in exporter_families(Reloads("", at * 60.0)) if each.name == "csr_exporter_build"]
        for family in [*families([status], Exposed(), now=at * 60.0), *build]:
            for sample in family.samples:
                labels = {"job": "node", "instance": "db1", **sample.labels}
                values[series_of(sample.name, **labels)][minute] = sample.value
    return [
        {"series": series, "values": " ".join(f"{each[at]:.6f}" if at in each else "stale" for at in range(MINUTES))}
        for series, each in values.items()
    ]


GOOD = dict.fromkeys(range(0, MINUTES, EVERY), polled)
WORLDS: dict[str, tuple[Mapping[int, Run], set[str]]] = {
    "healthy": (GOOD, set()),
    "the timer stops": (dict.fromkeys(range(0, TROUBLE, EVERY), polled), {"ScmCsrDataStale"}),
    "polls fail": (GOOD | dict.fromkeys(range(TROUBLE, MINUTES, EVERY), fails), {"ScmCsrDataStale"}),
    "no run ever succeeds": (dict.fromkeys(range(0, MINUTES, EVERY), fails), {"ScmCsrNeverSucceeded"}),
}


@pytest.mark.parametrize(("runs", "expected"), WORLDS.values(), ids=WORLDS)
def test_runs_of_once_raise_what_is_wrong_and_nothing_else(
    runs: Mapping[int, Run], expected: set[str], tmp_path: Path
) -> None:
    firing = [{"labels": f'{{alertname="{each}"}}', "value": 1} for each in expected]
    ever = 'max by (alertname) (max_over_time(ALERTS{alertstate="firing"}[2h]))'
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": samples(runs),
        "promql_expr_test": [{"expr": ever, "eval_time": f"{MINUTES - 1}m", "exp_samples": firing}],
    }

    result = tried(test, tmp_path, TEXTFILE_RULES)

    assert result.returncode == 0, result.stdout + result.stderr
