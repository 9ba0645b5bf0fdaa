"""What a release is made from: a clean copy of the sources, the one time its artefacts bear, and commands to run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENDING = {"sdist": "*.tar.gz", "wheel": "*.whl"}


class ReleaseError(Exception):
    """The release cannot be made or must not be published; the message says why."""


def output(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Standard output of *command*, run in *cwd*. Raises `ReleaseError` with what it printed if it fails."""
    result = subprocess.run(  # noqa: S603 - the commands are ours
        command, check=False, capture_output=True, text=True, cwd=cwd, env={**os.environ, **environment}
    )
    if result.returncode:
        raise ReleaseError(f"{' '.join(map(str, command))}:\n{result.stderr}{result.stdout}")
    return result.stdout


def moment(root: Path) -> int:
    """The one time that artefacts bear, in Unix seconds.

    ``SOURCE_DATE_EPOCH``, else the time of the last commit, else that of the files of an unpacked sdist, which bear it.
    """
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    if (root / ".git").exists():
        return int(output("git", "log", "-1", "--format=%ct", cwd=root))
    return int((root / "pyproject.toml").stat().st_mtime)


def require_changes(changelog: str, version: str) -> None:
    """Raise `ReleaseError` unless *changelog* says what is new in *version*, which may still be unreleased."""
    described = re.findall(r"^## \[([^]]+)\].*\n+(?!## )\S", changelog, re.MULTILINE)
    if not {version, "Unreleased"} & set(described):
        raise ReleaseError(f"CHANGELOG.md: nothing under [{version}] or [Unreleased]")


def built(target: str, root: Path, into: Path, moment: int) -> Path:
    """The *target*, ``sdist`` or ``wheel``, built from the sources in *root* into the folder *into*."""
    command = (sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", into)
    output(*command, cwd=root, SOURCE_DATE_EPOCH=str(moment))
    (artefact,) = into.glob(ENDING[target])
    return artefact


def unpacked(sdist: Path, into: Path) -> Path:
    """The folder in *sdist*, unpacked to *into*: the sources without anything that git ignores."""
    extract(sdist, into)
    return into / sdist.name.removesuffix(".tar.gz")


def extract(archive: Path, into: Path) -> None:
    """Unpack *archive* to *into*. By tar, for the filters of `tarfile` are not in every Python 3.11."""
    into.mkdir(parents=True, exist_ok=True)
    output("tar", "--extract", "--no-same-owner", "--file", archive, cwd=into)
