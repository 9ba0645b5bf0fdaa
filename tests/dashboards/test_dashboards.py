"""The dashboards before real data: every query of every panel and variable, asked of a real Prometheus."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

import pytest

from grafana.style import DASH
from tests.dashboards.grafana import Dashboard, Labels, Query, Series, Viewer, Window, dashboards, legend
from tests.dashboards.stage import PRODUCTION, RANGE, SANDBOX, SPAN, STAGING, TOOLS, Stage
from tests.dashboards.stage import stage as set_up
from tests.processes import tool

pytestmark = pytest.mark.timeout(300)  # the first of these tests waits for the stage to be set

ALL = dashboards()

each_dashboard = pytest.mark.parametrize("dashboard", ALL, ids=lambda dashboard: str(dashboard.content["uid"]))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    for name in TOOLS:
        tool(name, "prometheus")
    with set_up(tmp_path_factory.mktemp("stage")) as running:
        yield running


CHOICES: Mapping[str, Mapping[str, list[str]]] = {
    "one": {"account": ["production"], "instance": ["healthy-0:10065"], "algorithm": ["RSA_2048"]},
    "several": {"account": ["production", "staging"], "algorithm": ["RSA_2048", "EC_P256"]},
    "all": {},
    "filtered": {"age": ["7776000"], "search": ["example"], "usage": ["ENTERPRISE"], "rows": ["100"]},
}

NO_FORECAST = "CSR overview: Accounts: H"
"""Three hours are no history for one."""

MAY_BE_EMPTY: Mapping[str, set[str]] = {
    # Nothing was searched for. The CSRs of one or two algorithms, or the ENTERPRISE ones alone, need not have come or
    # gone, or repeat.
    "one": {"CSR inventory: Search: A", "CSR inventory: New in the time range: A"}
    | {"CSR inventory: Removed in the time range: A", "CSR inventory: Domains of several CSRs: A"}
    | {"CSR inventory: Reused names: A"},
    "several": {"CSR inventory: Search: A", "CSR inventory: Reused names: A"},
    "all": {"CSR inventory: Search: A"},
    "filtered": {"CSR inventory: New in the time range: A"},
}


@pytest.mark.parametrize("choice", CHOICES)
@each_dashboard
def test_every_panel_answers(stage: Stage, dashboard: Dashboard, choice: str) -> None:
    viewer = Viewer(stage.prometheus, stage.window, {"job": ["healthy"], **CHOICES[choice]})

    assert _empty(viewer, dashboard) <= MAY_BE_EMPTY[choice] | {NO_FORECAST}


@each_dashboard
def test_no_panel_is_empty_at_a_short_range_for_want_of_data_that_is_there(stage: Stage, dashboard: Dashboard) -> None:
    window = Window(stage.window.end - 15 * 60, stage.window.end)

    empty = _empty(Viewer(stage.prometheus, window, {"job": ["healthy"]}), dashboard)

    assert empty <= MAY_BE_EMPTY["one"] | NO_CHANGE | {NO_FORECAST, "CSR overview: Added and removed: A"}


@each_dashboard
def test_six_minutes_after_the_start_no_panel_says_that_nothing_is_polled(stage: Stage, dashboard: Dashboard) -> None:
    soon = stage.window.end - SPAN.length + 6 * 60

    empty = _empty(Viewer(stage.prometheus, Window(soon - RANGE, soon), {"job": ["healthy"]}), dashboard)
    empty -= MAY_BE_EMPTY["one"] | NO_CHANGE | NO_ALERTS | {NO_FORECAST}
    assert not {name for name in empty if "yet" not in _text(dashboard, name)}, "their texts are false"


@each_dashboard
def test_every_variable_offers_what_there_is(stage: Stage, dashboard: Dashboard) -> None:
    options = Viewer(stage.prometheus, stage.window, {"job": ["healthy"]}).options(dashboard)

    accounts = sorted(account.name for account in (PRODUCTION, STAGING, SANDBOX))
    assert set(options.pop("job")) == {"healthy", "series-off", "empty", "failing", "replicas"}
    assert options.pop("instance") == ["healthy-0:10065"]
    assert options.pop("account") == accounts
    assert sorted(options.pop("read", accounts)) == accounts, "few CSRs are read at once"
    assert all(options.values())


def test_a_search_finds_names_domains_and_ids_from_three_characters_on(stage: Stage) -> None:
    board = ALL[1]
    query = next(query for query in board.queries() if query.panel == "Search")

    def found(search: str) -> list[Labels]:
        viewer = Viewer(stage.prometheus, stage.window, {"job": ["healthy"], "search": [search]})
        return [series.labels for series in _answer(viewer, query, board)]

    one = found("example")[0]
    for text in (one["name"].upper(), re.escape(one["domain_name"]), one["id"], f"^{one['id']}|never"):
        assert one in found(text)
    assert not found("ex")
    assert not found("")


NO_LIMIT = {"CSR overview: Limit used: A", "CSR overview: Accounts: G"}
NO_EXPIRY = {"CSR exporter: Accounts: J", "CSR exporter: Credential lifetime left: A"}
NO_CHANGE = {f"{board.title}: annotation CSRs {what}: A" for board in ALL for what in ("added", "removed")}
NO_ALERTS = {"CSR overview: Firing alerts: A", "CSR overview: Firing alerts: B"}
OF_SINGLE_CSRS = {
    str(query)
    for query in ALL[1].queries()
    if "$read" in query.expr and query.panel not in {"Accounts", "Oldest key", "Duplicate domains"}
} | {"CSR inventory: Search: A"}
VIOLATING = "CSR policy: Violating CSRs: A"
NO_POLICY = {
    *(f"CSR policy: By rule and owner: {ref}" for ref in "AB"),
    *(f"CSR policy: Accounts: {ref}" for ref in "BDE"),
    *(f"CSR policy: Waivers: {ref}" for ref in "ABC"),
    *(
        f"CSR policy: {panel['title']}: A"
        for panel in ALL[3].panels
        if panel["type"] != "table" and panel["title"] != "Accounts in doubt"
    ),
    VIOLATING,
}
NO_AGES = {
    "CSR overview: Oldest key: A",
    "CSR overview: Accounts: E",
    "CSR overview: By age (up to): A",
    "CSR inventory: Oldest key: A",
    "CSR inventory: Accounts: C",
}
USUAL = NO_LIMIT | NO_EXPIRY | {"CSR inventory: Search: A", NO_FORECAST}

EMPTY: Mapping[str, set[str]] = {
    # All that names single CSRs, and nothing else, comes of their series.
    "series-off": USUAL | OF_SINGLE_CSRS | NO_CHANGE | {VIOLATING},
    # What does not exist has no age, and without a policy nothing breaks it.
    "empty": USUAL | OF_SINGLE_CSRS | NO_AGES | NO_CHANGE | NO_POLICY,
    # The sound account has no changes; that the other cannot be read is no change either.
    "failing": USUAL | NO_CHANGE
    | {"CSR inventory: New in the time range: A", "CSR inventory: Removed in the time range: A"},
    # Its thirty CSRs happen to share no name.
    "replicas": USUAL | {"CSR inventory: Reused names: A"},
}  # fmt: skip


@pytest.mark.parametrize("job", EMPTY)
def test_a_panel_is_empty_only_where_there_is_nothing_to_show(stage: Stage, job: str) -> None:
    viewer = Viewer(stage.prometheus, stage.window, {"job": [job]})

    empty = {query for board in ALL for query in _empty(viewer, board)}

    assert empty == EMPTY[job]


def test_an_account_without_csrs_is_not_called_one_without_an_inventory(stage: Stage) -> None:
    viewer = Viewer(stage.prometheus, stage.window, {"job": ["empty"]})

    said = {_text(board, name) for board in ALL for name in _empty(viewer, board) if "annotation" not in name}

    assert "No age is known" in said
    assert not {text for text in said if text.startswith(("No current inventory", "No account is polled"))}
    assert {"No policy, or no current inventory", "No waivers", "No owners, or no current inventory"} <= said


def test_the_answer_to_whether_the_numbers_can_be_trusted(stage: Stage) -> None:
    untrusted = {job: _value(stage, job, "CSR overview", "Can I trust it?") for job in ("healthy", *EMPTY)}

    assert untrusted == {"healthy": 0, "series-off": 0, "empty": 0, "failing": 2, "replicas": 0}


def test_a_failing_account_is_seen_to_fail(stage: Stage) -> None:
    assert _value(stage, "failing", "CSR exporter", "Failing accounts") == 2
    assert _value(stage, "healthy", "CSR exporter", "Failing accounts") == 0
    assert _value(stage, "failing", "CSR exporter", "Failed polls") > 0
    assert _value(stage, "failing", "CSR overview", "CSRs stored") == 10


def test_an_account_that_never_succeeded_is_not_hidden_by_the_age_of_the_others(stage: Stage) -> None:
    shown = {job: _value(stage, job, "CSR overview", "Data age") for job in ("failing", "healthy")}

    assert shown["failing"] == -1, "which is shown as never"
    assert 0 <= shown["healthy"] < 300
    assert _value(stage, "failing", "CSR exporter", "Data age") == -1


def test_what_is_held_counts_once_however_many_replicas_tell(stage: Stage) -> None:
    for board in ALL[1:]:
        for query in board.queries():
            if "increase" in query.expr or "* 1000" in query.expr:
                continue  # what was noticed depends on when a replica looked; process_start_time_seconds is of each
            one, both = (
                sorted(series.values[-1] for series in _now(stage, query, board, instances))
                for instances in (["replicas-0:10065"], ["replicas-0:10065", "replicas-1:10065"])
            )
            assert both == pytest.approx(one, rel=0.02, abs=30 if _of_time(query) else 0), str(query)


def test_what_exporters_did_adds_up_over_replicas(stage: Stage) -> None:
    board = ALL[0]
    query = next(query for query in board.queries() if query.panel == "Requests")
    first, second, both = (
        sum(series.values[-1] for series in _answer(_viewer(stage, instances), query, board))
        for instances in (["replicas-0:10065"], ["replicas-1:10065"], ["replicas-0:10065", "replicas-1:10065"])
    )

    assert both == pytest.approx(first + second)


def test_the_sum_over_algorithms_is_what_the_service_reports(stage: Stage) -> None:
    reported = _value(stage, "healthy", "CSR overview", "CSRs stored")
    board = ALL[2]
    query = next(query for query in board.queries() if query.panel == "By key algorithm")

    answer = _answer(Viewer(stage.prometheus, stage.window, {"job": ["healthy"]}), query, board)

    assert sum(series.values[0] for series in answer) == reported


def _answer(viewer: Viewer, query: Query, dashboard: Dashboard) -> list[Series]:
    """The series, once they are seen to be sound: no NaN, and no two of one name."""
    answer = viewer.ask(query, dashboard)
    names = [legend(query, series) for series in answer]
    assert len(names) == len(set(names)), f"{query}: {names}"
    assert all(math.isfinite(value) for series in answer for value in series.values), str(query)
    return answer


def _text(board: Dashboard, name: str) -> str:
    """What the panel of a query shows without an answer: for a table, in a cell."""
    (panel,) = [panel for panel in board.panels if name.startswith(f"{board.title}: {panel['title']}: ")]
    whole = panel["type"] != "table" or len(panel["targets"]) == 1
    return str(panel["fieldConfig"]["defaults"]["noValue"]) if whole else DASH


def _empty(viewer: Viewer, board: Dashboard) -> set[str]:
    """The queries of tables and annotations without an answer, and the first of each other panel without any."""
    tables = {str(panel["title"]) for panel in board.panels if panel["type"] == "table"}
    unanswered: set[str] = set()
    answered: set[str] = set()
    for query in board.queries():
        by_itself = query.panel in tables or query.panel.startswith("annotation")
        name = str(query) if by_itself else f"{query.dashboard}: {query.panel}: A"
        (answered if _answer(viewer, query, board) else unanswered).add(name)
    return unanswered - answered


def _value(stage: Stage, job: str, title: str, panel: str) -> float:
    board = next(board for board in ALL if board.title == title)
    query = next(query for query in board.queries() if query.panel == panel)
    (series,) = _now(stage, query, board, None, job)
    return series.values[-1]


def _viewer(stage: Stage, instances: list[str] | None, job: str = "replicas") -> Viewer:
    return Viewer(stage.prometheus, stage.window, {"job": [job], **({"instance": instances} if instances else {})})


def _now(
    stage: Stage, query: Query, dashboard: Dashboard, instances: list[str] | None, job: str = "replicas"
) -> list[Series]:
    """The answer at the end of the time range."""
    expr = _viewer(stage, instances, job).put_in(query.expr, dashboard, step=180)
    return stage.prometheus.instant(expr, stage.window.end)


def _of_time(query: Query) -> bool:
    return bool(re.search(r"time\(\)|_seconds\b|predict_linear", query.expr))
