"""What docs/security.md says of requests to the cloud, and of attacks."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.docs.pages import ROOT, Page
from tests.fakes import aksk, password
from tests.processes import ended

# More than its offsets reach, so that everything that a poll may do is done.
LARGE = SimulatedAccount("production", csrs=300, seed=7)
LIST = ("GET", "/v3/scm/csr")
TOKEN = ("POST", "/v3/auth/tokens")
CLOCK = ("HEAD", "/")

CREDENTIALS: dict[str, Callable[[str], dict[str, Any]]] = {
    "aksk": lambda _: aksk(LARGE),
    "password": lambda url: password(LARGE, url),
}


@pytest.mark.parametrize(
    ("command", "kind", "asked"),
    [
        (("once",), "aksk", {LIST}),
        (("once",), "password", {LIST, TOKEN}),
        (("check", "--live"), "aksk", {LIST, CLOCK}),
    ],
)
def test_the_cloud_is_asked_for_the_list_and_what_it_takes_to_get_it(
    tmp_path: Path, command: tuple[str, ...], kind: str, asked: set[tuple[str, str]]
) -> None:
    file = tmp_path / "config.yml"
    with Simulator([LARGE]) as simulator:
        account = {"name": "production", "endpoint": simulator.url, "credentials": CREDENTIALS[kind](simulator.url)}
        content = {"max_requests_per_second": 1000, "accounts": [account]}
        file.write_text(yaml.safe_dump(content), encoding="utf-8")

        result = ended(*command, f"--config.file={file}")

        assert result.returncode == 0, result.stderr
        assert {(each.method, each.path) for each in simulator.requests} == asked


ATTACKS = [code for row in Page(ROOT / "docs" / "security.md").tables for code in row if "::" in code]


@pytest.mark.parametrize("name", ATTACKS)
def test_a_test_that_the_page_names_exists(name: str) -> None:
    file, _, wanted = name.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))

    assert wanted in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, (
        f"docs/security.md names {name}, which is gone; name the test that replaces it"
    )


def test_every_attack_has_a_test() -> None:
    section = Page(ROOT / "docs" / "security.md").text.partition("## Attacks and accidents")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (?!what |---).*", section, re.MULTILINE)

    assert rows
    assert [row for row in rows if "::test_" not in row.split(" | ")[-1]] == []
