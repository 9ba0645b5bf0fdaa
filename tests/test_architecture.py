"""Which room may import which. Data flows one way, from configuration to pages."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "csr_exporter"

CENTRE = {"inventory", "text"}
MAY_IMPORT: dict[str, set[str]] = {
    "inventory": set(),
    "text": set(),
    "status": {"inventory"},
    "policy": {"inventory"},
    "config": set(),
    "cloud": CENTRE | {"config", "spared"},
    "listing": {"inventory"},
    "polling": {"inventory", "status", "config", "cloud", "listing", "metrics", "policy"},
    "journal": CENTRE | {"status"},
    "metrics": CENTRE | {"status", "policy"},
    "exposition": {"inventory", "status", "metrics"},
    "page": CENTRE | {"status", "policy"},
    "web": CENTRE | {"config", "status", "policy", "metrics", "exposition", "page"},
    "logs": {"spared"},
    "spared": set(),
    "simulator": set(),
    "commands": CENTRE
    | {
        "status",
        "policy",
        "config",
        "cloud",
        "listing",
        "logs",
        "polling",
        "journal",
        "metrics",
        "exposition",
        "page",
        "web",
        "simulator",
    },
    "cli": {"commands", "inventory", "config", "journal", "logs", "page", "policy", "polling", "web"},
    "__main__": {"cli"},
    "__init__": set(),
}


def room_of(file: Path) -> str:
    first = file.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported_rooms(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "csr_exporter" and parts[1] not in {"__version__", "revision"}:
                yield parts[1]


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_room_imports_only_what_the_table_allows(file: Path) -> None:
    room = room_of(file)

    beyond = {each for each in imported_rooms(file) if each != room} - MAY_IMPORT[room]

    assert beyond == set()


def test_the_simulator_shares_nothing_with_what_it_tests() -> None:
    files = sorted((PACKAGE / "simulator").rglob("*.py"))

    assert files
    assert {room for file in files for room in imported_rooms(file)} == {"simulator"}


def modules_in(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).split(".")[0]


def test_what_is_imported_is_declared() -> None:
    """A package that only comes with a dependency may be gone with its next release."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[<>=!~ ]", each)[0] for each in project["dependencies"]}
    foreign = {name for file in PACKAGE.rglob("*.py") for name in modules_in(file)} - sys.stdlib_module_names
    distributions = packages_distributions()

    imported = {name: distributions.get(name, []) for name in foreign - {"csr_exporter"}}

    undeclared = {name for name, given in imported.items() if not {_normal(each) for each in given} & declared}
    assert undeclared == set()


def _normal(distribution: str) -> str:
    return distribution.lower().replace("_", "-")


PURE_FILES = [
    *(file for file in PACKAGE.rglob("*.py") if room_of(file) in {"inventory", "status", "policy", "listing"})
]
PURE_FILES += [PACKAGE / "page" / name for name in ("facts.py", "charts.py")]


@pytest.mark.parametrize("file", sorted(PURE_FILES), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_the_centre_does_no_input_and_output(file: Path) -> None:
    allowed = {
        "__future__",
        "bisect",
        "collections",
        "csr_exporter",
        "dataclasses",
        "enum",
        "functools",
        "heapq",
        "itertools",
        "math",
        "operator",
        "re",
        "string",
        "types",
        "typing",
        "unicodedata",
        "weakref",
    }

    assert set(modules_in(file)) <= allowed


def test_the_daemon_does_without_what_it_never_uses() -> None:
    daemon = "import csr_exporter.cli, csr_exporter.commands.run, csr_exporter.web.listeners as _, sys"

    run = subprocess.run([sys.executable, "-c", f"{daemon}; print(*sys.modules)"], check=True, capture_output=True)

    unused = {"rich", "pygments", "jinja2", "chardet", "charset_normalizer", "csr_exporter.page"}
    assert set(run.stdout.decode().split()) & unused == set()
