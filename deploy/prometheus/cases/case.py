"""The shape of a case, and the tests of promtool that follow from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

RUNBOOKS = "https://github.com/csr-exporter/csr-exporter/blob/main/docs/runbooks"

JOB = "csr-exporter"
ONE, TWO = "10.0.0.1:10065", "10.0.0.2:10065"
"""Addresses of two replicas."""


@dataclass(frozen=True, slots=True)
class Series:
    """Samples of one series, a minute apart unless the case says otherwise, as promtool writes them."""

    metric: str
    values: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def labelled(self, **labels: str) -> Series:
        """With *labels*, where it does not have them already."""
        return replace(self, labels={**labels, **self.labels})

    def written(self) -> dict[str, str]:
        labels = ",".join(f'{name}="{value}"' for name, value in sorted(self.labels.items()))
        return {"series": f"{self.metric}{{{labels}}}", "values": self.values}


def series(metric: str, values: str, **labels: str) -> Series:
    """A series with *labels*."""
    return Series(metric, values, labels)


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert as it has to come, word for word. *labels* are those beside severity and concern."""

    summary: str
    description: str
    labels: Mapping[str, str] = field(default_factory=dict)


def firing(summary: str, description: str, **labels: str) -> Firing:
    """An alert with *labels*."""
    return Firing(summary, description, labels)


@dataclass(frozen=True, slots=True)
class Kind:
    """What all firings of an alert have in common."""

    alert: str
    severity: str
    concern: str
    dashboard: str

    def written(self, each: Firing) -> dict[str, Any]:
        return {
            "exp_labels": {"severity": self.severity, "concern": self.concern, **each.labels},
            "exp_annotations": {
                "summary": each.summary,
                "description": each.description,
                "runbook_url": f"{RUNBOOKS}/{self.alert}.md",
                "dashboard_url": self.dashboard,
            },
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """One test of promtool. *checks* say what has to fire after so many steps of *interval*."""

    name: str
    kind: Kind
    series: Sequence[Series]
    checks: Mapping[int, Sequence[Firing]]
    interval: str = "1m"

    def written(self) -> dict[str, Any]:
        step, unit = int(self.interval[:-1]), self.interval[-1]
        return {
            "name": f"{self.kind.alert}: {self.name}",
            "interval": self.interval,
            "input_series": [each.written() for each in self.series],
            "alert_rule_test": [
                {
                    "eval_time": f"{steps * step}{unit}",
                    "alertname": self.kind.alert,
                    "exp_alerts": [self.kind.written(each) for each in firings],
                }
                for steps, firings in self.checks.items()
            ],
        }

    def tests(self) -> Iterator[Trial]:
        yield self


@dataclass(frozen=True, slots=True)
class Case:
    """An alert about one account, and the tests that follow.

    *series* are of account ``production``: at *fires* steps it fires, one step earlier it does not, at *over* steps
    it has ended. *below* are of account ``staging``, which all the while stays just below. With a second replica that
    sees the same, there is still one alert. Without any one of the metrics it is silent, except for those in
    *without*, which tells the description then.
    """

    kind: Kind
    fires: int
    over: int
    series: Sequence[Series]
    below: Sequence[Series]
    firing: Firing
    without: Mapping[str, str] = field(default_factory=dict)
    interval: str = "1m"

    def tests(self) -> Iterator[Trial]:
        here = [each.labelled(account="production", job=JOB, instance=ONE) for each in self.series]
        there = [each.labelled(account="staging", job=JOB, instance=ONE) for each in self.below]
        fires = replace(self.firing, labels={"account": "production", "job": JOB, **self.firing.labels})
        checks = {self.fires - 1: [], self.fires: [fires], self.over: []}
        yield self._test("fires, not below, and ends", [*here, *there], checks)
        yield self._test("two replicas", _replicated(self.series), {self.fires - 1: [], self.fires: [fires]})
        yield self._silent()
        for metric, description in self.without.items():
            rest = [each for each in here if each.metric != metric]
            yield self._test(f"without {metric}", rest, {self.fires: [replace(fires, description=description)]})

    def _silent(self) -> Trial:
        """Accounts that lack one metric each, which is all that there is where the alert looks at one alone."""
        rest = [
            each.labelled(account=f"without-{metric}", job=JOB, instance=ONE)
            for metric in {each.metric: None for each in self.series if each.metric not in self.without}
            for each in self.series
            if each.metric != metric
        ]
        return self._test("no series of one of its metrics", rest, {self.fires: []})

    def _test(self, name: str, series: Sequence[Series], checks: Mapping[int, Sequence[Firing]]) -> Trial:
        return Trial(name, self.kind, series, checks, self.interval)


def _replicated(given: Sequence[Series]) -> list[Series]:
    replicas = ((ONE, "exporter-a"), (TWO, "exporter-b"))
    return [
        each.labelled(account="production", job=JOB, instance=instance, pod=pod)
        for instance, pod in replicas
        for each in given
    ]
