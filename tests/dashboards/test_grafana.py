"""The dashboards as files: what the code builds, about metrics that exist, to Grafana's conventions."""

from __future__ import annotations

import json
import re

import pytest
import reference

from grafana.__main__ import files
from grafana.panels import AT_LEAST
from grafana.style import ALGORITHMS, DASH, GOOD
from tests.dashboards.grafana import FOLDER, Dashboard, dashboards

ALL = dashboards()
UIDS = ("scm-csr-exporter", "scm-csr-inventory", "scm-csr-overview", "scm-csr-policy")

each_dashboard = pytest.mark.parametrize("dashboard", ALL, ids=lambda dashboard: str(dashboard.content["uid"]))


def test_the_files_are_what_the_code_makes() -> None:
    expected = {file.name: text for file, text in files().items()}

    assert {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.json")} == expected


def test_a_dashboard_is_found_by_the_name_of_its_file() -> None:
    assert [str(dashboard.content["uid"]) for dashboard in ALL] == list(UIDS)
    assert [file.stem for file in sorted(FOLDER.glob("*.json"))] == list(UIDS)


@each_dashboard
def test_a_dashboard_imports_into_any_grafana(dashboard: Dashboard) -> None:
    content = dashboard.content

    assert content["id"] is None
    assert "__inputs" not in content
    assert content["timezone"] == "browser"
    assert content["refresh"] == "5m"
    assert content["graphTooltip"] == 1
    assert content["editable"] is False
    assert set(content["tags"]) == {"huawei-cloud", "scm", "csr", "certificates"}
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in dashboard.panels)
    assert all(target["datasource"]["uid"] == "${datasource}" for p in dashboard.panels for target in p["targets"])


@each_dashboard
def test_variables_begin_with_those_that_every_dashboard_has(dashboard: Dashboard) -> None:
    source, *chosen = dashboard.variables[:4]

    assert (source["name"], source["type"], source["label"]) == ("datasource", "datasource", "Data source")
    assert [each["name"] for each in chosen] == ["job", "instance", "account"]
    for variable in chosen:
        assert (variable["multi"], variable["includeAll"], variable["allValue"]) == (True, True, ".+")
        assert variable["refresh"] == 2
        assert variable["label"] == variable["name"].capitalize()
        assert variable["datasource"]["uid"] == "${datasource}"


@each_dashboard
def test_every_panel_says_what_it_shows_and_where_that_comes_from(dashboard: Dashboard) -> None:
    for panel in dashboard.panels:
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"]
        assert re.search(r"scm_csr|csr_exporter_|process_|scrape_|\bup\b|ALERTS", panel["description"]), panel["title"]
        assert defaults["noValue"], panel["title"]
        assert defaults["unit"], panel["title"]
        assert '"short"' not in json.dumps(panel), f"{panel['title']}: 5045 would be 5 K"
        assert panel["type"] in {"bargauge", "stat", "table", "timeseries"}


@each_dashboard
def test_what_a_panel_says_of_no_data_is_not_said_in_the_empty_cells_of_a_table(dashboard: Dashboard) -> None:
    for panel in dashboard.panels:
        if panel["type"] == "table":
            columns = panel["transformations"][-1]["options"]["renameByName"].values()
            shown = {
                override["matcher"]["options"]: property_["value"]
                for override in panel["fieldConfig"]["overrides"]
                for property_ in override["properties"]
                if property_["id"] == "noValue"
            }
            assert shown == dict.fromkeys(columns, DASH), panel["title"]


@each_dashboard
def test_every_column_can_be_filtered(dashboard: Dashboard) -> None:
    tables = [panel for panel in dashboard.panels if panel["type"] == "table"]

    assert tables
    assert all(table["fieldConfig"]["defaults"]["custom"]["filterable"] for table in tables)


@each_dashboard
def test_a_number_that_may_be_too_low_is_never_green(dashboard: Dashboard) -> None:
    colours = [
        {step["color"] for step in property_["value"]["steps"]}
        for panel in dashboard.panels
        for override in panel["fieldConfig"]["overrides"]
        for property_ in override["properties"]
        if str(override["matcher"]["options"]).endswith(AT_LEAST) and property_["id"] == "thresholds"
    ]

    assert len(colours) == {"CSR overview": 5, "CSR inventory": 2, "CSR policy": 4, "CSR exporter": 0}[dashboard.title]
    assert all(GOOD not in each for each in colours)


@each_dashboard
def test_panels_fill_the_grid_without_overlap(dashboard: Dashboard) -> None:
    cells = [
        (x, y)
        for panel in dashboard.content["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    height = max(y for _, y in cells) + 1

    assert len(cells) == len(set(cells)) == 24 * height
    assert len({panel["id"] for panel in dashboard.content["panels"]}) == len(dashboard.content["panels"])


@each_dashboard
def test_every_series_is_of_the_exporters_and_accounts_chosen(dashboard: Dashboard) -> None:
    for query in dashboard.queries():
        for metric, selector in re.findall(r"\b([a-zA-Z_]+)\{([^}]*)\}", query.expr):
            if selector == 'job=~"$job"':  # accounts that are missing have no instance and no name
                assert metric in {"csr_exporter_configured_accounts", "csr_exporter_poll_interval_seconds"}
                continue
            if metric.startswith("ALERTS"):  # alerts lose instance, and some job, where they add up replicas
                assert 'job=~"$job|", account=~"$account|"' in selector
                continue
            assert selector.startswith('job=~"$job", instance=~"$instance"'), str(query)
            of_accounts = metric.startswith(("scm_csr", "csr_exporter")) and not re.match(
                "csr_exporter_(build|config|shard|waiver)", metric
            )
            assert bool(re.search(r'account=~"\$(account|read)"', selector)) == of_accounts, str(query)


@each_dashboard
def test_counters_are_never_shown_raw_and_rates_fit_the_graph(dashboard: Dashboard) -> None:
    for query in dashboard.queries():
        for function, window in re.findall(r"(\w+)\(\w+\{[^}]*\}\[([^]]+)\]", query.expr):
            allowed = {"predict_linear": "7d", "last_over_time": "1d", "avg_over_time": "30d"}.get(
                function, "$__range" if query.instant else "$__rate_interval"
            )
            assert window == allowed, str(query)
        raw = re.findall(r"(\w*)\(?\b\w+_total\{[^}]*\}(?!\[)", query.expr)
        assert not raw, str(query)


@each_dashboard
def test_links_lead_to_dashboards_that_exist(dashboard: Dashboard) -> None:
    links = re.findall(
        r'"url": "/d/([a-z-]+)\?([^"]*)"', FOLDER.joinpath(f"{dashboard.content['uid']}.json").read_text()
    )

    assert links
    for uid, query in links:
        assert uid in UIDS
        assert query.startswith("${datasource:queryparam}&${job:queryparam}&${instance:queryparam}&${__url_time_range}")
    assert dashboard.content["links"][0]["type"] == "dashboards"
    assert dashboard.content["links"][0]["keepTime"]
    assert dashboard.content["links"][0]["includeVars"]


@each_dashboard
def test_an_algorithm_has_one_colour_everywhere(dashboard: Dashboard) -> None:
    for panel in dashboard.panels:
        for override in panel["fieldConfig"]["overrides"]:
            name = str(override["matcher"]["options"])
            if name in ALGORITHMS:
                assert override["properties"][0]["value"]["fixedColor"] == ALGORITHMS[name]


@each_dashboard
def test_a_dashboard_asks_only_for_metrics_that_exist(dashboard: Dashboard) -> None:
    families = list(reference.exposed_families())
    names = {sample.name for family in families for sample in family.samples} | {family.name for family in families}

    asked = set(re.findall(r"\b(?:scm_csrs?|csr_exporter)_[a-z_]+[a-z]\b", str(dashboard.content)))

    assert asked
    assert asked - names == set()


@each_dashboard
def test_marks_of_changes_lead_to_the_journal(dashboard: Dashboard) -> None:
    marks = {each["name"]: each for each in dashboard.content["annotations"]["list"]}

    for change in ("added", "removed"):
        mark = marks[f"CSRs {change}"]
        assert f"{{{{exporter_url}}}}/changes?account={{{{account}}}}&change={change}" in mark["textFormat"]
        assert mark["expr"].endswith('"exporter_url", "$exporter_url", "", "")')


def test_a_meaning_of_a_range_of_values_has_both_ends_because_grafana_takes_null_for_zero() -> None:
    ranges = re.findall(r'"from": \S+,\s+"to": (\S+?),?\s', "".join(json.dumps(each.content, indent=1) for each in ALL))

    assert len(ranges) > 1
    assert "null" not in ranges
