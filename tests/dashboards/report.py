"""The table of what every query returns, for the documentation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from grafana.queries import ACCOUNTS, EXPORTERS
from tests.dashboards.grafana import Query, Viewer, dashboards
from tests.dashboards.stage import Stage

DOCUMENT = Path(__file__).parents[2] / "docs" / "dashboards.md"
BEGIN = "<!-- What every query returns: written by make dashboards -->\n"
END = "<!-- End of what every query returns -->\n"


def table(stage: Stage) -> str:
    """Dashboard, panel, query, and the number of series that it returns for the healthy accounts."""
    rows = "".join(f"{row}\n" for row in _rows(Viewer(stage.prometheus, stage.window, {"job": ["healthy"]})))
    return f"\n| Dashboard | Panel | Query | Series |\n| --- | --- | --- | ---: |\n{rows}\n"


def _rows(viewer: Viewer) -> Iterator[str]:
    for dashboard in dashboards():
        for query in dashboard.queries():
            yield _row(query, len(viewer.ask(query, dashboard)))
        for name, options in viewer.options(dashboard).items():
            expr = next(variable["query"] for variable in dashboard.variables if variable["name"] == name)
            yield _row(Query(dashboard.title, f"variable {name}", "A", expr), len(options))


def _row(query: Query, series: int) -> str:
    expr = query.expr.replace(f"{{{ACCOUNTS}", "{…").replace(f"{{{EXPORTERS}", "{…").replace("|", "\\|")
    return f"| {query.dashboard} | {query.panel} | `{expr}` | {series} |"


def written() -> str:
    """The table as it stands in the documentation."""
    return DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def write(text: str) -> None:
    """Put the table *text* into the documentation."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(f"{before}{BEGIN}{text}{END}{after}", encoding="utf-8")
