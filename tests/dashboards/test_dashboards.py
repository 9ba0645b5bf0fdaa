"""The dashboards before real data: every query of every panel and variable, asked of a real Prometheus."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

import pytest

from tests.dashboards.grafana import Dashboard, Query, Series, Viewer, dashboards, legend
from tests.dashboards.stage import PRODUCTION, SANDBOX, STAGING, TOOLS, Stage
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

MAY_BE_EMPTY: Mapping[str, set[str]] = {
    # The CSRs of one or two algorithms, or the ENTERPRISE ones alone, need not have come or gone, or repeat.
    "one": {"CSR inventory: New in the time range", "CSR inventory: Removed in the time range"}
    | {"CSR inventory: Domains with several CSRs", "CSR inventory: Reused names"},
    "several": {"CSR inventory: Reused names"},
    "all": set(),
    "filtered": {"CSR inventory: New in the time range"},
}


@pytest.mark.parametrize("choice", CHOICES)
@each_dashboard
def test_every_query_of_every_panel_answers(stage: Stage, dashboard: Dashboard, choice: str) -> None:
    viewer = Viewer(stage.prometheus, stage.window, {"job": ["healthy"], **CHOICES[choice]})

    empty = {query for query in dashboard.queries() if not _answer(viewer, query, dashboard)}

    assert {_panel(query) for query in empty} <= MAY_BE_EMPTY[choice]


@each_dashboard
def test_every_variable_offers_what_there_is(stage: Stage, dashboard: Dashboard) -> None:
    options = Viewer(stage.prometheus, stage.window, {"job": ["healthy"]}).options(dashboard)

    assert set(options.pop("job")) == {"healthy", "series-off", "empty", "failing", "replicas"}
    assert options.pop("instance") == ["healthy-0:10065"]
    assert options.pop("account") == sorted(account.name for account in (PRODUCTION, STAGING, SANDBOX))
    assert all(options.values())


NO_LIMIT = {"CSR overview: Limit used: A", "CSR overview: Accounts: F", "CSR overview: Accounts: G"}
NO_EXPIRY = {"CSR exporter: Accounts: I", "CSR exporter: Credential lifetime left: A"}
NO_CHANGE = {f"{title}: annotation CSRs {what}: A" for title in ("CSR exporter", "CSR inventory", "CSR overview")
             for what in ("added", "removed")}  # fmt: skip
EVERY_SINGLE_CSR = {str(query) for board in ALL if board.title == "CSR inventory" for query in board.queries()} - {
    "CSR inventory: annotation Exporter restarts: A"
} | {"CSR overview: Ten oldest CSRs: A"}

EMPTY: Mapping[str, set[str]] = {
    # All that names single CSRs, and nothing else, comes of their series.
    "series-off": EVERY_SINGLE_CSR | NO_LIMIT | NO_EXPIRY | NO_CHANGE,
    # What does not exist has no age.
    "empty": EVERY_SINGLE_CSR
    | {"CSR overview: Oldest key: A", "CSR overview: Accounts: D", "CSR overview: By age (up to): A"}
    | NO_LIMIT
    | NO_EXPIRY
    | NO_CHANGE,
    # The sound account has no changes; that the other cannot be read is no change either.
    "failing": {"CSR inventory: New in the time range: A", "CSR inventory: Removed in the time range: A"}
    | NO_LIMIT
    | NO_EXPIRY
    | NO_CHANGE,
    # Its thirty CSRs happen to share no name.
    "replicas": {"CSR inventory: Reused names: A"} | NO_LIMIT | NO_EXPIRY,
}


@pytest.mark.parametrize("job", EMPTY)
def test_a_panel_is_empty_only_where_there_is_nothing_to_show(stage: Stage, job: str) -> None:
    viewer = Viewer(stage.prometheus, stage.window, {"job": [job]})

    empty = {str(query) for board in ALL for query in board.queries() if not _answer(viewer, query, board)}

    assert empty == EMPTY[job]


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
            assert both == pytest.approx(one, rel=0.02, abs=1 if _of_time(query) else 0), str(query)


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


def _panel(query: Query) -> str:
    return f"{query.dashboard}: {query.panel}"


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
