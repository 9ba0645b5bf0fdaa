"""The commit that the exporter says it is built from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from csr_exporter import RECORD, revision
from csr_exporter.metrics import exporter_families
from csr_exporter.status import Reloads
from tests.processes import DEADLINE, tool

ROOT = RECORD.parent.parent
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """What a wheel is built from, without git."""
    folder = tmp_path / "sources"
    for name in ("csr_exporter", "docs", "release/share"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", RECORD.name))
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    command: list[str | Path] = [tool("git", "git"), "-C", folder, *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=DEADLINE).stdout.strip()


def built(target: str, source: Path, into: Path, **environment: str) -> Path:
    """The *target* of *source*, made by hatchling in a process of its own."""
    command: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", into]
    variables = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, cwd=source, check=True, capture_output=True, env=variables | environment, timeout=DEADLINE)
    (artefact,) = into.iterdir()
    return artefact


def recorded(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return [archive.read(name).decode() for name in archive.namelist() if name == f"csr_exporter/{RECORD.name}"]


def committed(folder: Path) -> str:
    """The commit of all files in *folder*, now a repository."""
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=all")
    return git(folder, "rev-parse", "HEAD")


def test_a_clone_has_the_commit_that_is_checked_out(sources: Path) -> None:
    commit = committed(sources)
    command = [sys.executable, "-c", "import csr_exporter; print(csr_exporter.revision())"]

    said = subprocess.run(command, cwd=sources, check=True, capture_output=True, text=True, timeout=DEADLINE)

    assert said.stdout.strip() == commit


def test_the_metric_has_the_revision() -> None:
    (build,) = (family for family in exporter_families(Reloads("", 0.0)) if family.name == "csr_exporter_build")

    assert build.samples[0].labels["revision"] == revision()


def test_a_wheel_built_in_a_clone_has_its_commit(sources: Path, tmp_path: Path) -> None:
    commit = committed(sources)

    assert recorded(built("wheel", sources, tmp_path / "wheel")) == [commit]


def test_a_wheel_built_from_the_sdist_has_the_commit_of_the_sdist(sources: Path, tmp_path: Path) -> None:
    commit = committed(sources)
    sdist = built("sdist", sources, tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")

    wheel = built("wheel", tmp_path / sdist.name.removesuffix(".tar.gz"), tmp_path / "wheel")

    assert recorded(wheel) == [commit]


def test_an_image_is_built_without_git_and_is_told_its_commit(sources: Path, tmp_path: Path) -> None:
    assert recorded(built("wheel", sources, tmp_path / "told", CSR_EXPORTER_REVISION=COMMIT)) == [COMMIT]
    assert recorded(built("wheel", sources, tmp_path / "untold")) == []
