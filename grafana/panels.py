"""The few kinds of panel that the dashboards are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Literal, TypeVar

from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
from grafana_foundation_sdk.builders.common import (
    GraphThresholdsStyleConfig,
    ReduceDataOptions,
    StackingConfig,
    TableSortByFieldState,
    VizLegendOptions,
    VizTextDisplayOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BarGaugeNamePlacement,
    BarGaugeValueMode,
    BigValueColorMode,
    BigValueGraphMode,
    BigValueJustifyMode,
    BigValueTextMode,
    GraphDrawStyle,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    MatcherConfig,
    ValueMapping,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

from grafana.style import COUNT, DASH, NEUTRAL, QUIET, doubtful, painted, words

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")

PANELS = TypeVar("PANELS", bargauge.Panel, stat.Panel, table.Panel, timeseries.Panel)


@dataclass(frozen=True, slots=True)
class Query:
    """One expression; *kind* says whether it is asked over the time range or at its end, and in which format."""

    expr: str
    legend: str = "__auto"
    kind: Literal["range", "instant", "table", "heatmap"] = "range"

    def target(self, ref: str) -> Dataquery:
        """The query for Grafana, called *ref*."""
        query = Dataquery().expr(self.expr).ref_id(ref).datasource(SOURCE).editor_mode(QueryEditorMode.CODE)
        match self.kind:
            case "range":
                return query.range().legend_format(self.legend)
            case "instant":
                return query.instant().legend_format(self.legend)
            case "heatmap":
                return query.range().legend_format("{{le}}").format(PromQueryFormat.HEATMAP)
            case "table":
                return query.instant().format(PromQueryFormat.TABLE)


@dataclass(frozen=True, slots=True)
class Text:
    """The texts of a panel: *tells* says where its numbers come from, *empty* what no data means."""

    title: str
    tells: str
    empty: str = "No data"


def _prepared(panel: PANELS, text: Text, queries: Sequence[Query], unit: str) -> PANELS:
    prepared = panel.title(text.title).description(text.tells).no_value(text.empty).datasource(SOURCE).unit(unit)
    for ref, query in zip(ascii_uppercase, queries, strict=False):
        prepared.with_target(query.target(ref))
    return prepared


def tile(  # noqa: PLR0913 - a number has this many sides
    text: Text,
    query: Query,
    unit: str = "none",
    *,
    colours: ThresholdsConfig = NEUTRAL,
    meanings: Sequence[ValueMapping] = (),
    filled: bool = False,
    decimals: int = 0,
) -> stat.Panel:
    """One large number. It has no sparkline: the last point of a graph can be as old as its step, but for `trend`."""
    return (
        _prepared(stat.Panel(), text, [query], unit)
        .decimals(decimals)
        .thresholds(colours)
        .mappings(list(meanings))
        .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .color_mode(BigValueColorMode.BACKGROUND_SOLID if filled else BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .justify_mode(BigValueJustifyMode.CENTER)
        .text_mode(BigValueTextMode.VALUE)
        .text(VizTextDisplayOptions().value_size(24 if filled else 28))
    )


def trend(  # noqa: PLR0913 - likewise
    text: Text,
    expr: str,
    unit: str = "none",
    *,
    colours: ThresholdsConfig,
    meanings: Sequence[ValueMapping] = (),
    filled: bool = False,
    decimals: int = 0,
) -> stat.Panel:
    """One large number and how it was during the last hour, whatever the time range: by the minute, so it is current.

    Where there is no value there is a number for it, or the last one that there was would still be shown.
    """
    query = Query(f"{expr} or vector({NO_VALUE})")
    nothing = words({str(NO_VALUE): (text.empty, QUIET)})
    panel = tile(text, query, unit, colours=colours, meanings=[*meanings, nothing], filled=filled, decimals=decimals)
    panel.graph_mode(BigValueGraphMode.AREA).interval("1m").max_data_points(TREND_MINUTES + 1)
    return panel.time_from(f"{TREND_MINUTES}m").hide_time_override(hide_time_override=True)


NO_VALUE = -2
TREND_MINUTES = 60


def at_least(text: Text, value: str, doubt: str, unit: str, colours: ThresholdsConfig) -> stat.Panel:
    """*value*, which may be too low where *doubt* is above 0: then it says so, and is never green."""
    panel = tile(text, Query(f"({value}) and on () ({doubt} == 0)", "exactly", kind="instant"), unit, colours=colours)
    panel.with_target(Query(f"({value}) and on () ({doubt} > 0)", AT_LEAST, kind="instant").target("B"))
    panel.override_by_name(AT_LEAST, [DynamicConfigValue(id_val="thresholds", value=doubtful(colours).build())])
    return panel.text_mode(BigValueTextMode.VALUE_AND_NAME)


AT_LEAST = "at least"


def figures(text: Text, queries: Sequence[Query], colours: Mapping[str, ThresholdsConfig]) -> stat.Panel:
    """One number in a row for each query, with the thresholds for its name in *colours*."""
    panel = (
        _prepared(stat.Panel(), text, queries, COUNT)
        .decimals(0)
        .thresholds(NEUTRAL)
        .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .orientation(VizOrientation.HORIZONTAL)
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .text_mode(BigValueTextMode.VALUE_AND_NAME)
        .text(VizTextDisplayOptions().title_size(14).value_size(20))
    )
    for name, thresholds in colours.items():
        panel.override_by_name(name, [DynamicConfigValue(id_val="thresholds", value=thresholds.build())])
    return panel


def bars(
    text: Text,
    queries: Sequence[Query],
    *,
    colours: Mapping[str, str],
    otherwise: FieldColor,
    upright: bool = False,
) -> bargauge.Panel:
    """One bar for each series, with a colour for each name in *colours*."""
    panel = (
        _prepared(bargauge.Panel(), text, queries, COUNT)
        .decimals(0)
        .min(0)
        .color_scheme(otherwise)
        .thresholds(NEUTRAL)
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .orientation(VizOrientation.VERTICAL if upright else VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.GRADIENT)
        .value_mode(BarGaugeValueMode.TEXT)
        .name_placement(BarGaugeNamePlacement.AUTO if upright else BarGaugeNamePlacement.LEFT)
        .show_unfilled(show_unfilled=not upright)
        .text(VizTextDisplayOptions().title_size(11 if upright else 12).value_size(12 if upright else 16))
        .min_viz_height(16)
        .min_viz_width(8)
    )
    for name, colour in colours.items():
        panel.override_by_name(name, [painted(colour)])
    return panel


def lines(text: Text, queries: Sequence[Query], unit: str, *, table_of: Sequence[str] = ()) -> timeseries.Panel:
    """Lines over time; the legend shows the calculations *table_of* for each."""
    return (
        _prepared(timeseries.Panel(), text, queries, unit)
        .color_scheme(FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC))
        .axis_soft_min(0)
        .line_width(2)
        .fill_opacity(0)
        .show_points(VisibilityMode.NEVER)
        .interval("1m")
        .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
        .legend(_legend(table_of))
    )


def _legend(calcs: Sequence[str]) -> VizLegendOptions:
    mode = LegendDisplayMode.TABLE if calcs else LegendDisplayMode.LIST
    legend = VizLegendOptions().display_mode(mode).placement(LegendPlacement.BOTTOM).show_legend(show_legend=True)
    return legend.calcs(list(calcs))


def areas(text: Text, queries: Sequence[Query], unit: str) -> timeseries.Panel:
    """Stacked areas over time."""
    stacking = StackingConfig().mode(StackingMode.NORMAL).group("A")
    return lines(text, queries, unit).stacking(stacking).fill_opacity(70).line_width(1)


POINTS = 150
"""Points of a graph of many series."""


def counts(text: Text, queries: Sequence[Query], interval: str) -> timeseries.Panel:
    """How often things happened within each *interval*, as stacked bars."""
    panel = areas(text, queries, COUNT).draw_style(GraphDrawStyle.BARS).fill_opacity(85).line_width(0)
    return panel.interval(interval).decimals(0)


def without_zeros(panel: timeseries.Panel) -> timeseries.Panel:
    """*panel* without legend entries for what never happened."""
    never = MatcherConfig(id_val="byValue", options={"reducer": "max", "op": "lte", "value": 0})
    hidden = DynamicConfigValue(id_val="custom.hideFrom", value={"legend": True, "tooltip": True, "viz": False})
    return panel.with_override(never, [hidden])


def limited(panel: timeseries.Panel, thresholds: ThresholdsConfig) -> timeseries.Panel:
    """*panel* with its thresholds drawn as dashed lines."""
    style = GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
    return panel.thresholds(thresholds).thresholds_style(style)


# --- tables -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the *field* that it comes from (a label, or ``Value #A``), its *title*, and how it is shown."""

    field: str
    title: str
    width: int | None = None
    unit: str | None = None
    settings: tuple[tuple[str, object], ...] = ()

    def properties(self) -> list[DynamicConfigValue]:
        """The settings that differ from those of the panel, whose text for no data would fill empty cells."""
        properties = [DynamicConfigValue(id_val="noValue", value=DASH)]
        properties += [DynamicConfigValue(id_val=name, value=value) for name, value in self.settings]
        if self.unit is not None:
            properties.append(DynamicConfigValue(id_val="unit", value=self.unit))
        if self.width is not None:
            properties.append(DynamicConfigValue(id_val="custom.width", value=self.width))
        return properties


def listing(
    text: Text, queries: Sequence[Query], columns: Sequence[Column], *sort: str, down: bool = False
) -> table.Panel:
    """A table of these *columns*, in this order, from all *queries* merged; every column can be filtered."""
    fields = [column.field for column in columns]
    panel = _prepared(table.Panel(), text, queries, "none").thresholds(NEUTRAL).min_width(80)
    panel.filterable(filterable=True)
    if len(queries) > 1:
        panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(
        DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": fields}})
    )
    panel.with_transformation(
        DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {},
                "indexByName": {field: place for place, field in enumerate(fields)},
                "renameByName": {column.field: column.title for column in columns},
            },
        )
    )
    for column in columns:
        panel.override_by_name(column.title, column.properties())
    return panel.sort_by([TableSortByFieldState().display_name(each).desc(desc=down) for each in sort])
