"""What an alert and a recording rule are, and how Prometheus wants them written."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import Any, Literal

from deploy.prometheus.promql import duration
from deploy.prometheus.thresholds import RUNBOOKS, Thresholds

Severity = Literal["critical", "warning", "info"]
"""Someone has to act now; today; when convenient."""

OVERVIEW, INVENTORY, HEALTH = "scm-csr-overview", "scm-csr-inventory", "scm-csr-exporter"
"""The dashboards, by their uid in Grafana."""


class Expression(str):
    """PromQL, which is written as it is, however long its lines are."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. *hold* is how many seconds its condition has to last; *when* is the condition in plain words."""

    name: str
    severity: Severity
    hold: float
    when: str
    expr: str
    summary: str
    description: str
    dashboard: str
    of_account: bool = True

    @property
    def runbook_url(self) -> str:
        return f"{RUNBOOKS}/{self.name}.md"

    @property
    def dashboard_url(self) -> str:
        """Relative to Grafana."""
        variable = "?var-account={{ urlquery $labels.account }}" if self.of_account else ""
        return f"/d/{self.dashboard}{variable}"

    def rule(self, concern: str, thresholds: Thresholds) -> dict[str, Any]:
        return {
            "alert": self.name,
            "expr": Expression(dedent(self.expr).strip()),
            "for": duration(self.hold / thresholds.compression),
            "labels": {"severity": self.severity, "concern": concern},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": self.runbook_url,
                "dashboard_url": self.dashboard_url,
            },
        }


@dataclass(frozen=True, slots=True)
class Record:
    """One recording rule; its name says level, metric and operation."""

    name: str
    about: str
    expr: str

    def rule(self) -> dict[str, Any]:
        return {"record": self.name, "expr": Expression(self.expr)}
