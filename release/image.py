"""The context of the container image: the Dockerfile and what it copies, ready for ``docker build - < FILE``."""

from __future__ import annotations

import re
from pathlib import Path

from release.archive import files_below
from release.process import ReleaseError

DOCKERFILE = Path("deploy/docker/Dockerfile")


def context(root: Path) -> dict[str, Path]:
    """The files of the context, by their names in it. Raises `ReleaseError` when one that is copied is missing."""
    files = [root / DOCKERFILE, *root.glob(".dockerignore")]
    for source in copied((root / DOCKERFILE).read_text(encoding="utf-8")):
        found = sorted(root.glob(source))
        if not found:
            raise ReleaseError(f"{DOCKERFILE}: copies {source}, which does not exist")
        files += (file for each in found for file in ([each] if each.is_file() else files_below(each)))
    return {file.relative_to(root).as_posix(): file for file in files}


def copied(dockerfile: str) -> list[str]:
    """What *dockerfile* copies from its context, not from another stage."""
    instructions = re.findall(r"^COPY (?!.*--from=)(.*)", dockerfile, re.MULTILINE)
    return [word for each in instructions for word in each.split()[:-1] if not word.startswith("--")]
