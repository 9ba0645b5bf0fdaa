"""What the Dockerfile says. tests/release/test_packages.py builds and runs the image."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.deploy.dockerfile import given, sent, stages
from tests.processes import DEADLINE

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
BUILD, FINAL = stages(DOCKERFILE.read_text(encoding="utf-8"))


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")

    result = subprocess.run([hadolint, DOCKERFILE], check=False, capture_output=True, text=True, timeout=DEADLINE)

    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_the_builder_is_sent_what_the_wheel_is_made_of_and_nothing_else() -> None:
    files = {str(each) for each in sent(ROOT)}

    beside = {each for each in files if not each.startswith(("csr_exporter/", "release/share/"))}
    assert beside == {"pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "docs/configuration.schema.json"} | {
        "deploy/docker/constraints.txt"
    }
    assert {"csr_exporter/cli.py", "csr_exporter/page/templates"} <= files | {str(Path(each).parent) for each in files}
    assert [each for each in files if each.endswith(".pyc")] == []


def test_a_change_of_the_sources_leaves_the_layer_of_the_dependencies_as_it_is() -> None:
    keywords = [f"{keyword} {rest.split()[0]}" for keyword, rest in BUILD]
    install = next(number for number, (_, rest) in enumerate(BUILD) if "--requirement" in rest)

    assert "COPY csr_exporter" not in keywords[:install]
    assert "ARG REVISION=" not in keywords[:install]


def test_the_image_runs_as_a_numbered_user_in_exec_form() -> None:
    assert given(FINAL, "USER") == ["65532:65532"]
    assert json.loads(given(FINAL, "ENTRYPOINT")[0]) == ["csr-exporter"]
    assert json.loads(given(FINAL, "CMD")[0]) == ["run"]
    assert given(FINAL, "RUN") == []
