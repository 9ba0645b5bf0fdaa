"""Real processes for end-to-end tests: started, waited for with a deadline, stopped by their own id."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

import pytest
import requests

DEADLINE = 100.0
"""Seconds that a process may take to start or a state to come. Only a test that fails waits so long, so this is far
more than a busy machine needs."""

T = TypeVar("T")


class Running:
    """A command of ours that listens, with its output."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.out: list[str] = []
        self.err: list[str] = []
        self._first = threading.Event()
        streams = ((process.stdout, self.out), (process.stderr, self.err))
        self._threads = [threading.Thread(target=self._read, args=each, daemon=True) for each in streams]
        for thread in self._threads:
            thread.start()

    def _read(self, stream: IO[str], lines: list[str]) -> None:
        with stream:
            for line in stream:
                lines.append(line)
                if lines is self.out:
                    self._first.set()
        self._first.set()

    @property
    def url(self) -> str:
        assert self._first.wait(DEADLINE), f"nothing was printed within {DEADLINE} seconds"
        assert self.out, "".join(self.err)
        return self.out[0].strip().removeprefix("listening on ")

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(self.url + path, headers=headers, timeout=DEADLINE)

    def ready(self) -> Running:
        until(lambda: self.get("/-/ready").ok)
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the process; its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(DEADLINE)
        for thread in self._threads:
            thread.join(DEADLINE)
        return code


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[Running]:
    """``csr-exporter`` with *arguments*, on a free port of loopback."""
    with listening(*command(*arguments, "--web.listen-address=127.0.0.1:0"), **environment) as exporter:
        yield exporter


@contextmanager
def listening(*command: str | Path, **environment: str) -> Iterator[Running]:
    """A command of ours, however it is installed."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(environment),
    ) as process:
        exporter = Running(process)
        try:
            yield exporter
        finally:
            if process.poll() is None:
                exporter.stop(signal.SIGKILL)


@contextmanager
def started(*command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is not ours, run without output until the block ends."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(DEADLINE)


@contextmanager
def prometheus_in(program: Path, directory: Path, *flags: str) -> Iterator[str]:
    """The address of a Prometheus with ``prometheus.yml`` in *directory*, where it keeps its data, too."""
    address = f"127.0.0.1:{free_port()}"
    with started(
        program,
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
        *flags,
    ):
        yield f"http://{address}"


def free_port() -> int:
    """A port of loopback that nobody listens on, for programs that cannot pick one themselves."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def ended(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``csr-exporter`` with *arguments*, once it has ended."""
    return subprocess.run(
        command(*arguments),
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=clean_environment(environment),
    )


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "csr_exporter", *arguments]


def clean_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Ours without any setting of the exporter or of the SDK, and with *changes*."""
    settings = ("CSR_EXPORTER", "HUAWEICLOUD", "HC_CONTAINER")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
    return {**ours, **changes}


def until(found: Callable[[], T], seconds: float = DEADLINE) -> T:
    """What *found* returns once it is true. Asks again at short intervals; fails after *seconds*."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (result := found()):
        assert time.monotonic() < deadline, f"not true after {seconds} seconds"
        pause.wait(0.05)
    return result


def tool(name: str, source: str) -> Path:
    """The program *name*, from *source*: a package of Debian, or one of Go where Debian has none.

    Without it the test is skipped, but in CI, which installs it, it fails.
    """
    found = shutil.which(name)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is missing: .ci/run installs {source}")
    if found is None:
        built = f"Debian has no package of it: go install {source}@latest"
        pytest.skip(f"{name} is missing; {built if '/' in source else f'it is in the Debian package {source}'}")
    return Path(found)
