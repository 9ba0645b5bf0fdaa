"""The dashboards: what the code builds, about metrics that exist."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import reference
import yaml

from grafana.__main__ import files
from tests.processes import DEADLINE, tool

FILES = files()


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels of *board*, those in rows too."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels") or ()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_dashboard_is_what_the_code_builds(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == FILES[file], "run make dashboards"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_dashboard_asks_only_for_metrics_that_exist(file: Path) -> None:
    names = {sample.name for family in reference.exposed_families() for sample in family.samples}
    names |= {family.name for family in reference.exposed_families()}

    asked = set(re.findall(r"\b(?:scm_csrs?|csr_exporter)_[a-z_]+[a-z]\b", FILES[file]))

    assert asked
    assert asked - names == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_panel_has_an_id_of_its_own_and_a_description(file: Path) -> None:
    shown = list(panels(json.loads(FILES[file])))

    assert len({panel["id"] for panel in shown}) == len(shown)
    assert [panel["title"] for panel in shown if panel["type"] != "row" and not panel.get("description")] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_query_is_promql(file: Path, tmp_path: Path) -> None:
    promtool = tool("promtool", "prometheus")
    durations = re.sub(r"\$__(rate_interval|range|interval)\b", "5m", "\n".join(queries_of(json.loads(FILES[file]))))
    queries = re.sub(r"\$(\w+|\{[^}]+\})", "1", durations)
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(queries.split("\n"))]
    written = tmp_path / "rules.yml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")

    result = subprocess.run(
        [promtool, "check", "rules", written], check=False, capture_output=True, text=True, timeout=DEADLINE
    )

    assert result.returncode == 0, result.stderr


def queries_of(board: dict[str, Any]) -> Iterator[str]:
    """The queries of all panels, one line each."""
    for panel in panels(board):
        for target in panel.get("targets") or ():
            yield " ".join(target["expr"].split())
