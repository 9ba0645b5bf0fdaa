"""Asks what a dashboard asks, as Grafana does: variables resolved and put in, steps and intervals worked out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

FOLDER = Path(__file__).parents[2] / "grafana"
MOST_POINTS = 500
SCRAPE_INTERVAL = 180
"""Seconds; what the data source would be told."""

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer; an instant one has one value."""

    labels: Labels
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel, of an annotation or of a variable, as it is written in the dashboard."""

    dashboard: str
    panel: str
    ref: str
    expr: str
    instant: bool = False
    table: bool = False
    legend: str = "__auto"
    interval: str = ""
    points: int = MOST_POINTS
    last: str = ""
    """How much of the time range is asked for, if not all of it."""

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel}: {self.ref}"


@dataclass(frozen=True, slots=True)
class Window:
    """The time range chosen, in Unix seconds."""

    start: float
    end: float

    @property
    def length(self) -> int:
        return int(self.end - self.start)


class Prometheus:
    """The HTTP API of a Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, path: str, **parameters: str | float) -> Any:  # noqa: ANN401 - whatever is asked for
        """The data of a reply. Raises `AssertionError` for an error or a warning."""
        content = self._session.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30).json()
        assert content["status"] == "success", content
        assert not content.get("warnings"), content
        return content["data"]

    def instant(self, expr: str, at: float) -> list[Series]:
        data = self.get("query", query=expr, time=at)
        return [Series(each["metric"], (float(each["value"][1]),)) for each in data["result"]]

    def over(self, expr: str, window: Window, step: int) -> list[Series]:
        start, end = (int(moment // step * step) for moment in (window.start, window.end))
        data = self.get("query_range", query=expr, start=start, end=end, step=step)
        return [Series(each["metric"], tuple(float(v) for _, v in each["values"])) for each in data["result"]]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard as it is in its file."""

    content: Mapping[str, Any]

    @property
    def title(self) -> str:
        return str(self.content["title"])

    @property
    def panels(self) -> list[Mapping[str, Any]]:
        """Those with queries, within folded rows too."""
        outer = self.content["panels"]
        return [panel for each in outer for panel in (each, *each.get("panels", ())) if panel["type"] != "row"]

    @property
    def variables(self) -> list[Mapping[str, Any]]:
        return list(self.content["templating"]["list"])

    def queries(self) -> Iterator[Query]:
        """Of all panels and annotations."""
        for panel in self.panels:
            for target in panel["targets"]:
                yield Query(
                    self.title,
                    panel["title"],
                    target["refId"],
                    target["expr"],
                    instant=target.get("instant", False),
                    table=target.get("format") == "table",
                    legend=target.get("legendFormat", "__auto"),
                    interval=panel.get("interval", ""),
                    points=panel.get("maxDataPoints", MOST_POINTS),
                    last=panel.get("timeFrom", ""),
                )
        for marks in self.content["annotations"]["list"]:
            yield Query(self.title, f"annotation {marks['name']}", "A", marks["expr"], interval=marks.get("step", ""))


def dashboards() -> list[Dashboard]:
    """All that are in the folder, by the name of the file."""
    return [Dashboard(json.loads(file.read_text(encoding="utf-8"))) for file in sorted(FOLDER.glob("*.json"))]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks at a dashboard, with *chosen* values of some variables and all of the others."""

    prometheus: Prometheus
    window: Window
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def options(self, dashboard: Dashboard) -> dict[str, list[str]]:
        """What each query variable offers, those above it as chosen."""
        return {
            variable["name"]: self._offered(variable, dashboard)
            for variable in dashboard.variables
            if variable["type"] == "query"
        }

    def _offered(self, variable: Mapping[str, Any], dashboard: Dashboard) -> list[str]:
        query = variable["query"]
        if found := re.fullmatch(r"query_result\((.+)\)", query):
            return self._extracted(self.put_in(found[1], dashboard), variable["regex"].strip("/"))
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
        assert found, query
        selector = self.put_in(found[1], dashboard)
        asked: dict[str, str | float] = {"match[]": selector, "start": self.window.start, "end": self.window.end}
        values: list[str] = self.prometheus.get(f"label/{found[2]}/values", **asked)
        return values

    def _extracted(self, expr: str, regex: str) -> list[str]:
        """What *regex* finds in an answer as Grafana writes it."""
        written = (
            ",".join(f'{name}="{value}"' for name, value in series.labels.items())
            for series in self.prometheus.instant(expr, self.window.end)
        )
        return [found[1] for text in written if (found := re.search(regex, text))]

    def put_in(self, text: str, dashboard: Dashboard, step: int = 0) -> str:
        """*text* with variables and intervals in their places. Raises `AssertionError` for one that is not known."""
        used = set(re.findall(r"\$(\w+)", text))
        values = {each["name"]: self._value(each, dashboard) for each in dashboard.variables if each["name"] in used}
        values["__range"] = f"{self.window.length}s"
        if step:
            values["__interval"] = f"{step}s"
            values["__rate_interval"] = f"{max(step + SCRAPE_INTERVAL, 4 * SCRAPE_INTERVAL)}s"
        done = re.sub(r"\$\{?(\w+)\}?", lambda found: values.get(found[1], found[0]), text)
        assert "$" not in done, done
        return done

    def _value(self, variable: Mapping[str, Any], dashboard: Dashboard) -> str:
        chosen = self.chosen.get(variable["name"])
        if variable.get("hide"):
            chosen = self._offered(variable, dashboard)
        if not variable.get("includeAll"):
            chosen = chosen or [str(variable.get("current", {}).get("value", ""))]
            return chosen[0].replace("\\", "\\\\")
        if chosen is None:
            return str(variable["allValue"])
        escaped = [re.sub(r"([$^*{}\[\]'+?.()|])", r"\\\\\1", value) for value in chosen]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"

    def ask(self, query: Query, dashboard: Dashboard) -> list[Series]:
        """What Prometheus answers."""
        start = self.window.end - _seconds(query.last) if query.last else self.window.start
        window = Window(start, self.window.end)
        step = max(window.length // query.points, _seconds(query.interval) or SCRAPE_INTERVAL)
        expr = self.put_in(query.expr, dashboard, step)
        if query.instant:
            return self.prometheus.instant(expr, window.end)
        return self.prometheus.over(expr, window, step)


def _seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]] if duration else 0


def legend(query: Query, series: Series) -> str:
    """The name that a series has in its panel."""
    if query.table or query.legend == "__auto":
        return json.dumps(series.labels, sort_keys=True)
    return re.sub(r"\{\{(\w+)\}\}", lambda found: series.labels.get(found[1], ""), query.legend)
