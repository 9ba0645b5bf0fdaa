"""Child processes, and what they take (read from /proc, so Linux only)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
_UTIME, _STIME = 11, 12  # after the name of the process in /proc/PID/stat, which may hold anything
SECONDS = 60.0


class Process:
    """A process that reads and writes lines."""

    def __init__(self, process: subprocess.Popen[str], stdin: IO[str], stdout: IO[str]) -> None:
        self._process = process
        self._stdin = stdin
        self._stdout = stdout

    def tell(self, line: str) -> None:
        self._stdin.write(f"{line}\n")
        self._stdin.flush()

    def hear(self) -> str:
        """The next line it wrote. Raises `EOFError` once it has ended."""
        if line := self._stdout.readline():
            return line.strip()
        raise EOFError(f"{self._process.args!r} has ended")

    @property
    def cpu(self) -> float:
        """CPU seconds so far, in steps of a hundredth."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[_UTIME]) + int(fields[_STIME])) / TICKS

    @property
    def resident(self) -> int:
        """Bytes."""
        return resident(self._process.pid)


@contextmanager
def python(*arguments: str, modules: Path | None = None) -> Iterator[Process]:
    """``python -m`` with *arguments*, terminated at the end of the block; with no modules but *modules*, if given."""
    command = [sys.executable, *(["-S", "-P"] if modules else []), "-m", *arguments]
    # An installed package is compiled, so it is not to be compiled at each start here.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if modules:
        environment["PYTHONPATH"] = str(modules)
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603 - ours
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both are pipes")
        try:
            yield Process(process, process.stdin, process.stdout)
        finally:
            process.terminate()
            process.wait(SECONDS)


def resident(pid: int | str = "self") -> int:
    """Bytes that the process *pid*, by default this one, holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES


def peak() -> int:
    """The most bytes this process ever held in memory."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
