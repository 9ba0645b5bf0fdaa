"""What panels answer in worlds that are quickly written down: promtool evaluates their queries."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.prometheus.cases import series_of
from tests.dashboards.grafana import Dashboard, dashboards
from tests.processes import DEADLINE, tool

BOARDS = {board.title: board for board in dashboards()}

World = Mapping[str, str]
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
    file = folder / "world.yml"
    file.write_text(json.dumps({"rule_files": [], "evaluation_interval": "1m", "tests": [asked]}), encoding="utf-8")
    result = subprocess.run(
        [tool("promtool", "prometheus"), "test", "rules", file],
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    (got,) = re.findall(r"got: (.*)", result.stdout + result.stderr) or [""]
    return {
        (re.findall(rf'\b{by}="([^"]*)"', labels) or [""])[0]: float(value)
        for labels, value in re.findall(r"\{([^}]*)\} (\S+?)(?:,|$)", got)
    }


def _expression(board: Dashboard, panel: str, ref: str) -> str:
    (query,) = [query for query in board.queries() if (query.panel, query.ref) == (panel, ref)]
    return re.sub(r"\$(job|instance|account)", ".+", query.expr)


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

    shown = [answer("CSR overview", "Accounts", ref, world, tmp_path, by="job") for ref in ("A", "B", "F")]

    assert shown == [{"a": 1, "b": 0}, {"a": 10, "b": 20}, {"a": 0.1, "b": 0.8}]
