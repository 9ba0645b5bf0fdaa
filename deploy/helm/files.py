"""The files of the chart that follow from elsewhere, since Helm reads nothing outside its chart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deploy.helm.rules import facts
from deploy.helm.schema import schema

HERE = Path(__file__).parent
CHART = HERE / "csr-exporter"
DASHBOARDS = HERE.parent.parent / "grafana"


def files() -> Mapping[Path, str]:
    """Content by path."""
    dashboards = {each.name: each.read_text(encoding="utf-8") for each in sorted(DASHBOARDS.glob("*.json"))}
    return {
        CHART / "values.schema.json": schema(),
        CHART / "files" / "rules.json": facts(),
        **{CHART / "files" / "dashboards" / name: text for name, text in dashboards.items()},
    }
