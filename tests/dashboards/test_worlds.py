"""What panels answer in worlds that are quickly written down: promtool evaluates their queries."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.prometheus.cases import series_of
from grafana.panels import NO_VALUE
from tests.dashboards.grafana import Dashboard, dashboards
from tests.rules.promtool import tried

BOARDS = {board.title: board for board in dashboards()}

World = dict[str, str]
"""Samples, a minute apart, by series; ``job`` and ``instance`` are added."""


def answer(  # noqa: PLR0913 - which query, in which world, and what of it
    title: str, panel: str, ref: str, world: World, folder: Path, *, at: int = 90, by: str = "account"
) -> dict[str, float]:
    """What *panel* answers after *at* minutes, by the label *by*."""
    expr = _expression(BOARDS[title], panel, ref)
    series = [
        {"series": series_of(name, job="csr-exporter", instance="one"), "values": values}
        for name, values in world.items()
    ]
    # Nothing is expected, so that promtool shows all that there is.
    asked = {"interval": "1m", "input_series": series, "promql_expr_test": [{"expr": expr, "eval_time": f"{at}m"}]}
    result = tried(asked, folder)
    (got,) = re.findall(r"got: (.*)", result.stdout + result.stderr) or [""]
    return {
        (re.findall(rf'\b{by}="([^"]*)"', labels) or [""])[0]: float(value)
        for labels, value in re.findall(r"\{([^}]*)\} (\S+?)(?:,|$)", got)
    }


CHOSEN = {
    **dict.fromkeys(("job", "instance", "account", "read"), ".+"),
    **dict.fromkeys(("algorithm", "usage"), ".*"),
    "old": "31536000[.]0",
    "age": "0",
    "rows": "500",
    "__range": "1h",
}


def _expression(board: Dashboard, panel: str, ref: str) -> str:
    (query,) = [query for query in board.queries() if (query.panel, query.ref) == (panel, ref)]
    return re.sub(r"\$(\w+)", lambda found: CHOSEN[found[1]], query.expr)


def polled(account: str, values: str) -> World:
    """An account that is polled well for as long as *values* say."""
    successes = re.sub(r"1x(\d+)", r"0+60x\1", values)
    return {
        f'scm_csr_up{{account="{account}"}}': values,
        f'scm_csr_inventory_complete{{account="{account}"}}': values,
        f'csr_exporter_poll_interval_seconds{{account="{account}"}}': values.replace("1x", "300x"),
        f'csr_exporter_last_success_timestamp_seconds{{account="{account}"}}': successes,
    }


SHARD_GONE: World = {
    'csr_exporter_configured_accounts{pod="a"}': "3x100",
    **polled("production", "1x100"),
    **polled("staging", "1x30 stale"),
    **polled("payments", "1x30 stale"),
}


def test_accounts_that_no_shard_polls_cannot_be_trusted(tmp_path: Path) -> None:
    trust = answer("CSR overview", "Can I trust it?", "A", SHARD_GONE, tmp_path)

    assert trust == {"": 2}
    assert answer("CSR overview", "Can I trust it?", "A", SHARD_GONE, tmp_path, at=20) == {"": 0}


def test_accounts_that_no_shard_polls_are_named(tmp_path: Path) -> None:
    states = answer("CSR overview", "Accounts", "A", SHARD_GONE, tmp_path)

    assert states == {"production": 1, "staging": -1, "payments": -1}


def test_a_sparkline_does_not_leave_its_last_value_when_the_exporters_are_gone(tmp_path: Path) -> None:
    gone = polled("production", "1x30 stale")

    for title, panel in (
        ("CSR overview", "Can I trust it?"),
        ("CSR overview", "Data age"),
        ("CSR exporter", "Failing accounts"),
        ("CSR exporter", "Exporters up"),
    ):
        assert answer(title, panel, "A", gone, tmp_path) == {"": NO_VALUE}


def test_one_csr_not_read_is_not_all_of_them(tmp_path: Path) -> None:
    world = {'scm_csr_reported{account="production"}': "5500x100", 'scm_csr_listed{account="production"}': "5499x100"}

    assert answer("CSR overview", "Read in full", "A", world, tmp_path) == {"": 0.999}
    assert answer("CSR overview", "Accounts", "C", world, tmp_path) == {"production": 0.999}
    assert answer("CSR overview", "Read in full", "A", world | {next(reversed(world)): "5500x100"}, tmp_path) == {"": 1}


def test_accounts_of_one_name_in_two_jobs_are_two(tmp_path: Path) -> None:
    world = {
        'scm_csr_up{account="default",job="a"}': "1x100",
        'scm_csr_up{account="default",job="b"}': "0x100",
        'scm_csr_reported{account="default",job="a"}': "10x100",
        'scm_csr_reported{account="default",job="b"}': "20x100",
        'scm_csr_limit{account="default",job="a"}': "100x100",
        'scm_csr_limit{account="default",job="b"}': "25x100",
    }

    shown = [answer("CSR overview", "Accounts", ref, world, tmp_path, by="job") for ref in ("A", "B", "G")]

    assert shown == [{"a": 1, "b": 0}, {"a": 10, "b": 20}, {"a": 0.1, "b": 0.8}]


def inventory(account: str, reported: str, listed: str, aged: str) -> World:
    """CSRs of which none is older than a year."""
    buckets = {
        f'scm_csr_age_distribution_seconds_bucket{{account="{account}",le="{bound}"}}': aged
        for bound in ("31536000.0", "+Inf")
    }
    return buckets | {
        f'scm_csr_reported{{account="{account}"}}': reported,
        f'scm_csr_listed{{account="{account}"}}': listed,
    }


OLD = "Older than ${old:text}"
HALF_READ: World = {
    **polled("archive", "1x100"),
    'scm_csr_inventory_complete{account="archive"}': "0x100",
    **inventory("archive", "500x100", "262x100", "262x100"),
}


def test_ages_of_an_incomplete_inventory_are_at_least_what_is_known(tmp_path: Path) -> None:
    exactly, at_least = (answer("CSR overview", OLD, ref, HALF_READ, tmp_path) for ref in "AB")

    assert (exactly, at_least) == ({}, {"": 0})
    assert answer("CSR overview", "Accounts", "D", HALF_READ, tmp_path) == {"archive": 0}
    assert answer("CSR overview", "By age (up to)", "B", HALF_READ, tmp_path) == {"": 238}


def test_ages_are_exact_once_every_csr_was_read(tmp_path: Path) -> None:
    world = polled("archive", "1x100") | inventory("archive", "500x100", "500x100", "500x100")

    exactly, at_least = (answer("CSR overview", OLD, ref, world, tmp_path) for ref in "AB")

    assert (exactly, at_least) == ({"": 0}, {})
    assert answer("CSR overview", "Accounts", "D", world, tmp_path) == {"archive": 1}


def test_ages_are_exact_for_an_account_without_csrs(tmp_path: Path) -> None:
    nothing = {'scm_csr_reported{account="empty"}': "0x100", 'scm_csr_listed{account="empty"}': "0x100"}

    assert answer("CSR overview", OLD, "A", polled("empty", "1x100") | nothing, tmp_path) == {"": 0}


def test_ages_are_not_exact_while_an_account_has_no_inventory(tmp_path: Path) -> None:
    well = polled("archive", "1x100") | inventory("archive", "500x100", "500x100", "500x100")

    assert answer("CSR overview", OLD, "B", well | {'scm_csr_up{account="new"}': "0x100"}, tmp_path) == {"": 0}


STALE: World = {
    **polled("production", "1x100"),
    **inventory("production", "100x100", "100x100", "100x100"),
    **polled("staging", "1x100"),
    'scm_csr_up{account="staging"}': "1x30 0x70",
    **inventory("staging", "40x60 stale", "40x60 stale", "40x60 stale"),
}


def test_csrs_of_an_account_that_goes_stale_are_marked_and_not_deleted(tmp_path: Path) -> None:
    known = {at: answer("CSR overview", "CSRs over time", "B", STALE, tmp_path, at=at) for at in (50, 90)}

    assert known == {50: {}, 90: {"": 40}}


def test_a_total_says_of_how_many_accounts_it_speaks(tmp_path: Path) -> None:
    def counted(at: int) -> dict[str, float]:
        return answer("CSR overview", "CSRs stored", "B", STALE, tmp_path, at=at, by="all")

    assert counted(50) == {}, "all of them"
    assert counted(90) == {"2": 1}


def test_replicas_count_once_whatever_tells_them_apart(tmp_path: Path) -> None:
    labels = ("instance", "pod", "pod_template_hash", "node")
    world = {
        f'scm_csr_reported{{account="production",{",".join(f"""{label}="{which}" """ for label in labels)}}}': "10x100"
        for which in ("one", "two")
    }

    assert answer("CSR overview", "CSRs stored", "A", world, tmp_path) == {"": 10}


def csr(job: str, **labels: str) -> World:
    """A CSR of the account ``default``; the id is the same in all jobs."""
    told = "".join(f',{name}="{value}"' for name, value in labels.items())
    which = f'account="default",job="{job}",id="1"'
    return {
        f"scm_csr_info{{{which}{told}}}": "1x100",
        f'scm_csr_inventory_complete{{account="default",job="{job}"}}': "1x100",
    }


def test_csrs_of_accounts_of_one_name_in_two_jobs_are_two(tmp_path: Path) -> None:
    world = csr("a", name="shop", domain_name="shop.example") | csr("b", name="shop", domain_name="shop.example")

    assert answer("CSR inventory", "Matching", "A", world, tmp_path) == {"": 2}
    assert answer("CSR inventory", "CSRs", "A", world, tmp_path, by="job").keys() == {"a", "b"}
    assert answer("CSR inventory", "Domains of several CSRs", "A", world, tmp_path, by="job") == {"a": 1, "b": 1}


def test_a_csr_that_came_is_new_in_its_own_job_alone(tmp_path: Path) -> None:
    added, kept = csr("a", name="shop"), csr("b", name="shop")
    added = {name: "_x60 1x40" if "info" in name else values for name, values in added.items()}

    assert answer("CSR inventory", "New in the time range", "A", added | kept, tmp_path, by="job") == {"a": -1}


def test_a_csr_without_a_date_is_listed_whatever_the_filter_by_age(tmp_path: Path) -> None:
    dated = {'scm_csr_age_seconds{account="default",job="b",id="1"}': "864000x100"}
    world = csr("a", name="odd") | csr("b", name="shop") | dated

    ages = answer("CSR inventory", "CSRs", "A", world, tmp_path, by="name")

    assert ages["shop"] == 10
    assert ages["odd"] > 1e6, "which is shown as unknown"


def test_there_is_no_forecast_before_its_history(tmp_path: Path) -> None:
    limit = {'scm_csr_limit{account="production"}': "100x8000"}
    world = limit | {'scm_csr_reported{account="production"}': "10+0.001x8000"}

    assert answer("CSR overview", "Accounts", "H", world, tmp_path, at=1440) == {}
    assert answer("CSR overview", "Accounts", "H", world, tmp_path, at=7900).keys() == {"production"}


def test_a_shard_that_nobody_polls_is_named(tmp_path: Path) -> None:
    shards = {f'csr_exporter_shard_info{{shard="{shard}",shards="3",pod="{shard}"}}': "1x100" for shard in "01"}
    world = shards | {'csr_exporter_shard_info{shard="2",shards="3",pod="2"}': "1x30 stale"}

    assert answer("CSR exporter", "Shards", "A", world, tmp_path, by="shard") == {"0": 1, "1": 1, "2": 0}


def test_availability_is_the_share_of_time_in_which_polls_succeeded(tmp_path: Path) -> None:
    world = {'scm_csr_up{account="production"}': "1x74 0x24"}

    assert answer("CSR exporter", "Accounts", "F", world, tmp_path, at=99) == {"production": 0.75}
