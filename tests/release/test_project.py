"""What others meet first: the workflows, the licence, and the readme on the package index."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from csr_exporter import __version__
from hatch_build import with_whole_links
from tests.docs.pages import ROOT
from tests.processes import DEADLINE, tool

GITHUB = ROOT / ".github"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def workflow(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((GITHUB / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))
    return found


def steps(name: str) -> list[str]:
    """The commands that the workflow *name* runs."""
    return [step["run"] for job in workflow(name)["jobs"].values() for step in job["steps"] if "run" in step]


def findings(*command: str | Path) -> str:
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE, cwd=ROOT)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def test_actionlint_has_nothing_to_say() -> None:
    actionlint = tool("actionlint", "github.com/rhysd/actionlint/cmd/actionlint")

    assert findings(actionlint, *sorted((GITHUB / "workflows").iterdir())) == ""


def test_zizmor_has_nothing_to_say() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")

    assert findings(zizmor, "--offline", "--pedantic", "--no-progress", GITHUB) == ""


def test_every_python_that_is_promised_passes_ci_and_makes_a_release() -> None:
    promised = [each.rpartition(" ")[2] for each in PROJECT["classifiers"] if "Python :: 3" in each]

    assert workflow("ci")["jobs"]["test"]["strategy"]["matrix"]["python"] == promised
    assert {".ci/run", "make release"} <= set(steps("ci"))


def test_a_tag_is_built_as_a_release_is() -> None:
    assert "make release" in steps("publish")


@pytest.mark.parametrize("form", sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda file: file.stem)
def test_a_form_asks_for_something(form: Path) -> None:
    content = yaml.safe_load(form.read_text(encoding="utf-8"))

    assert {"name", "description", "body"} <= content.keys()
    assert [each for each in content["body"] if each.get("validations", {}).get("required")]


def test_the_readme_of_the_package_has_no_link_that_only_works_in_the_repository() -> None:
    text = with_whole_links((ROOT / "README.md").read_text(encoding="utf-8"), f"v{__version__}")

    links = re.findall(r'\]\(([^)]+)\)|src(?:set)?="([^"]+)"', text)
    assert len(links) > 30
    assert [each for each in map("".join, links) if not each.startswith(("https://", "#"))] == []
    assert f"/csr-exporter/v{__version__}/docs/pictures/overview-light.png" in text


def test_the_licence_names_who_holds_it() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert "Copyright 2026 The CSR Exporter authors" in text
    assert "[yyyy]" not in text
