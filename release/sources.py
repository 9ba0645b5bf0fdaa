"""What a release is made from: the version, its moment, its changes, and a clean copy of the sources."""

from __future__ import annotations

import os
import re
import sys
import tarfile
from pathlib import Path

from release.process import ReleaseError, output

ROOT = Path(__file__).parent.parent
ENDING = {"sdist": "*.tar.gz", "wheel": "*.whl"}


def moment(root: Path) -> int:
    """The one time that artefacts bear, in Unix seconds.

    ``SOURCE_DATE_EPOCH``, else that of the last commit, else that of the files of an unpacked sdist, which bear it.
    """
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    if (root / ".git").exists():
        return int(output("git", "log", "-1", "--format=%ct", cwd=root))
    return int((root / "pyproject.toml").stat().st_mtime)


def require_changes(changelog: str, version: str) -> None:
    """Raise `ReleaseError` unless *changelog* tells what is new in *version*, which may not be released yet."""
    told = re.findall(r"^## \[([^]]+)\].*\n+(?!## )\S", changelog, re.MULTILINE)
    if not {version, "Unreleased"} & set(told):
        raise ReleaseError(f"CHANGELOG.md: nothing under [{version}] or [Unreleased]")


def built(target: str, root: Path, into: Path, moment: int) -> Path:
    """The *target*, ``sdist`` or ``wheel``, of the sources in *root*, written to the folder *into*."""
    command = (sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", into)
    output(*command, cwd=root, SOURCE_DATE_EPOCH=str(moment))
    (artefact,) = into.glob(ENDING[target])
    return artefact


def unpacked(sdist: Path, into: Path) -> Path:
    """The folder that *sdist* holds, unpacked to *into*: the sources without anything that git ignores."""
    with tarfile.open(sdist) as archive:
        archive.extractall(into, filter="data")
    return into / sdist.name.removesuffix(".tar.gz")
