"""What the dashboards share, and the layout of panels."""

from __future__ import annotations

import json
from typing import Any

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    CustomVariable,
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
    TextBoxVariable,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from grafana.panels import SOURCE
from grafana.queries import EXPORTERS, exporter, noticed

TAGS = ["huawei-cloud", "scm", "csr", "certificates"]
WIDTH = 24


class Board:
    """A dashboard, filled from the top with one band of panels after another."""

    def __init__(self, uid: str, title: str, description: str, since: str) -> None:
        self._y = 0
        self._panels = 0
        self._built = _empty(uid, title, description, since)
        self.uid = uid

    def variable(self, variable: Builder[models.VariableModel]) -> None:
        """Put one more variable at the top."""
        self._built.with_variable(variable)

    def row(self, title: str) -> None:
        """Begin a section that can be folded."""
        self._panels += 1
        place = GridPos(x=0, y=self._y, w=WIDTH, h=1)
        self._built.with_row(Row(title).id(self._panels).grid_pos(place))
        self._y += 1

    def band(self, height: int, *panels: tuple[int, Builder[models.Panel]]) -> None:
        """Put *panels*, each with its width, side by side."""
        x = 0
        for width, panel in panels:
            self._panels += 1
            built = panel.build()
            built.id_val, built.grid_pos = self._panels, GridPos(x=x, y=self._y, w=width, h=height)
            self._built.with_panel(_Built(built))
            x += width
        if x != WIDTH:
            raise ValueError(f"{self.uid}: a band is {x} wide, not {WIDTH}")
        self._y += height

    def json(self) -> str:
        """The dashboard as a file."""
        content: dict[str, Any] = json.loads(JSONEncoder().encode(self._built.build()))
        for panel in content["panels"]:
            panel.get("options", {}).pop("footer", None)  # a default of the library that Grafana 12 does not know
        return json.dumps({"id": None, **content}, indent=2, ensure_ascii=False) + "\n"


class _Built(Builder[models.Panel]):
    def __init__(self, panel: models.Panel) -> None:
        self._panel = panel

    def build(self) -> models.Panel:
        return self._panel


def _empty(uid: str, title: str, description: str, since: str) -> Dashboard:
    link = DashboardLink("CSR dashboards").type(DashboardLinkType.DASHBOARDS).tags(TAGS).icon("external link")
    built = (
        Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(TAGS)
        .readonly()
        .time(since, "now")
        .timezone("browser")
        .refresh("5m")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(link.as_dropdown(as_dropdown=False).include_vars(include_vars=True).keep_time(keep_time=True))
    )
    for variable in (
        DatasourceVariable("datasource").label("Data source").type("prometheus").current(_choice("default", "default")),
        chosen("job", "csr_exporter_build_info", ""),
        chosen("instance", "csr_exporter_build_info", 'job=~"$job"'),
        chosen("account", "scm_csr_up", EXPORTERS),
        typed("exporter_url", "Exporter URL", "http://localhost:10065"),
    ):
        built.with_variable(variable)
    for marks in (
        _Marks("Exporter restarts", f"{exporter('process_start_time_seconds')} * 1000", "#E5702A", shown=True),
        _Marks("CSRs added", _with_url(f"{noticed('scm_csr_added_total')} > 0"), "#3A8FD6", change="added"),
        _Marks("CSRs removed", _with_url(f"{noticed('scm_csr_removed_total')} > 0"), "#DD4330", change="removed"),
    ):
        built.annotation(marks)
    return built


def _with_url(expr: str) -> str:
    """*expr* with the exporter's URL as a label, because the text of a mark can hold labels alone."""
    return f'label_replace({expr}, "exporter_url", "$exporter_url", "", "")'


class _Marks(AnnotationQuery):
    """Marks in all graphs. Restarts are marked at the time that their value says, the others when it is above 0.

    Those of the inventory are off until switched on: where CSRs come and go all day they would cover the graphs. They
    link to the *change* in the journal.
    """

    def __init__(self, name: str, expr: str, colour: str, *, shown: bool = False, change: str = "") -> None:
        self._internal = _Marked(name=name, datasource=SOURCE, enable=shown, icon_color=colour, expr=expr)
        self._internal.change = change


class _Marked(models.AnnotationQuery):
    """The fields that the library lacks."""

    change = ""

    def to_json(self) -> dict[str, object]:
        if not self.change:
            words = {"titleFormat": "{{instance}} started", "tagKeys": "job", "useValueForTime": "on"}
        else:
            url = f"{{{{exporter_url}}}}/changes?account={{{{account}}}}&change={self.change}"
            words = {
                "titleFormat": f"{self.name} in {{{{account}}}}",
                "textFormat": f'<a href="{url}">Which CSRs</a>',
                "tagKeys": "account",
                "step": "5m",
            }
        return {**super().to_json(), **words}


# --- variables --------------------------------------------------------------------------------------------------------


def chosen(name: str, metric: str, among: str, label: str = "", everything: str = ".+") -> QueryVariable:
    """A choice among the values of a label of *metric*; *everything* is the expression for all of them."""
    selector = f"{metric}{{{among}}}" if among else metric
    return (
        QueryVariable(name)
        .label(label or name.capitalize())
        .datasource(SOURCE)
        .query(f"label_values({selector}, {name if not label else label_of(name)})")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(everything)
        .current(_choice("All", "$__all"))
    )


def found_by(name: str, expr: str, regex: str, *, everything: bool = False) -> QueryVariable:
    """What *regex* finds in the answer to *expr*, all of it or the first; nobody sees it."""
    found = QueryVariable(name).datasource(SOURCE).query(f"query_result({expr})").regex(regex)
    found.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).hide(VariableHide.HIDE_VARIABLE)
    if everything:
        found.multi(multi=True).include_all(include_all=True).current(_choice("All", "$__all"))
    return found


def label_of(variable: str) -> str:
    """The label that a variable of another name chooses."""
    return {"algorithm": "private_key_algo"}.get(variable, variable)


def one_of(name: str, label: str, choices: dict[str, str]) -> CustomVariable:
    """One of fixed values by their names; the first at the start."""
    first = next(iter(choices))
    return (
        CustomVariable(name)
        .label(label)
        .values(",".join(f"{text} : {value}" for text, value in choices.items()))
        .options([_choice(text, value, selected=text == first) for text, value in choices.items()])
        .current(_choice(first, choices[first]))
    )


def typed(name: str, label: str, text: str = "") -> TextBoxVariable:
    """Free text."""
    return TextBoxVariable(name).label(label).default_value(text).current(_choice(text, text))


def _choice(text: str, value: str, *, selected: bool = True) -> VariableOption:
    return VariableOption(selected=selected, text=text, value=value)
