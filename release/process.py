"""Commands that a release is made with."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class ReleaseError(Exception):
    """The release cannot be made or must not be published; the message says why."""


def output(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Standard output of *command*, run in *cwd*. Raises `ReleaseError` with what it said when it fails."""
    result = subprocess.run(  # noqa: S603 - the commands are ours
        command, check=False, capture_output=True, text=True, cwd=cwd, env={**os.environ, **environment}
    )
    if result.returncode:
        raise ReleaseError(f"{' '.join(map(str, command))}:\n{result.stderr or result.stdout}")
    return result.stdout
