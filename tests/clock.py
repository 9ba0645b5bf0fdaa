"""A wall clock that is set while a process runs, by libfaketime; its monotonic clock goes on undisturbed."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.processes import tool

HOUR = 3600
ATTEMPTS = 5


class WallClock:
    """The clock of a process that runs in `environment`, kept in *directory*."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "clock"
        self.set(0)

    def set(self, ahead: int) -> None:
        """Let it be *ahead* seconds ahead of the true time from now on."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead:+}\n", encoding="ascii")
        new.replace(self._file)

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "LD_PRELOAD": _library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


def _library() -> str:
    """What the command preloads into a program, which differs between systems.

    It fails where an earlier process of the same number has left its shared memory behind; the next has another number.
    """
    command = [str(tool("faketime", "faketime")), "-m", "-f", "+0", "printenv", "LD_PRELOAD"]
    tries = (subprocess.run(command, check=False, capture_output=True, text=True) for _ in range(ATTEMPTS))
    return next(each.stdout.strip() for each in tries if each.returncode == 0)
