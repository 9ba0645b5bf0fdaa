"""The generated files of the chart: Helm reads nothing outside its chart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from csr_exporter.inventory import DOCUMENTED_ALGORITHMS
from deploy.helm.schema import schema
from deploy.prometheus.rules import ALERTS, DEFAULTS, open_groups, open_rule

HERE = Path(__file__).parent
CHART = HERE / "csr-exporter"
DASHBOARDS = HERE.parent.parent / "grafana"


def files() -> Mapping[Path, str]:
    """Content by path."""
    dashboards = {each.name: each.read_text(encoding="utf-8") for each in sorted(DASHBOARDS.glob("*.json"))}
    return {
        CHART / "values.schema.json": schema(),
        CHART / "files" / "rules.json": _rules(),
        **{CHART / "files" / "dashboards" / name: text for name, text in dashboards.items()},
    }


def _rules() -> str:
    """The rules with open thresholds, those that change once `replicas` is set, and the defaults."""
    content = {
        "groups": open_groups(),
        "with_replicas": {
            name: open_rule(each, replicas=True) for name, each in ALERTS.items() if "with_replicas" in each
        },
        "defaults": {name: default for name, default in DEFAULTS.items() if default is not None},
        "documented_algorithms": DOCUMENTED_ALGORITHMS,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
