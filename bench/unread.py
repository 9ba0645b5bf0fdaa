"""What 40 clients that read nothing do to a large exporter.

A real ``csr-exporter run`` holds an account of 20000 CSRs. The clients ask for ``/metrics`` as plain text and
read nothing; ten times a second a new one takes the place of the oldest. Meanwhile another client scrapes as Prometheus
does, and a third probes.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.slow_clients import exporter
from bench.table import Figure, Row, at_most
from csr_exporter.simulator import SimulatedAccount

ACCOUNT = SimulatedAccount("large", csrs=20_000, seed=1, max_offset=None)
SETTINGS = {"max_requests_per_poll": 2000, "max_requests_per_second": 1000, "poll_timeout": "10m"}

CLIENTS = 40
ALONE_SECONDS = 10.0
SECONDS = 40.0
TIMEOUT = 10.0
"""Of a scrape, as Prometheus has it by default."""

SCRAPE_PAUSE = 0.2
PAUSE = 0.1
"""Seconds between two clients that are replaced."""


def _read_nothing(port: int, done: threading.Event) -> None:
    """Keep `CLIENTS` requests open, of whose reply not one byte is read, and put a new one for the oldest."""
    clients: deque[socket.socket] = deque()
    while not done.is_set():
        client = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        clients.append(client)
        if len(clients) > CLIENTS:
            clients.popleft().close()
            done.wait(PAUSE)
    for client in clients:
        client.close()


class Client:
    """Asks for *path* again and again, and counts what it is answered."""

    def __init__(self, port: int, path: str, done: threading.Event) -> None:
        self.times: list[float] = []
        self.failed: list[str] = []
        self._thread = threading.Thread(target=self._run, args=(port, path, done))
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    @property
    def failed_share(self) -> float:
        """Percent."""
        return 100 * len(self.failed) / (len(self.failed) + len(self.times))

    @property
    def slowest(self) -> float:
        """Seconds within which all but one in a hundred were answered."""
        return sorted(self.times)[int(len(self.times) * 0.99)]

    def _run(self, port: int, path: str, done: threading.Event) -> None:
        while not done.is_set():
            started = time.perf_counter()
            try:
                status = _status(port, path)
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(type(error).__name__)
            else:
                if status == http.HTTPStatus.OK:
                    self.times.append(time.perf_counter() - started)
                else:
                    self.failed.append(str(status))
            done.wait(SCRAPE_PAUSE)


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        reply = connection.getresponse()
        reply.read()
        return reply.status
    finally:
        connection.close()


def rows() -> Iterator[Row]:
    """The figures among the clients, beside those without them."""
    with exporter([ACCOUNT], SETTINGS, ready_within=600.0) as (port, pid):
        alone = _Phase.of(port, pid, ALONE_SECONDS, lambda _done: None)
        flooded = _Phase.of(port, pid, SECONDS, lambda done: _read_nothing(port, done))
    what, whose = f"among {CLIENTS} clients that read nothing of {ACCOUNT.csrs} CSRs", "without them"
    size = Figure((flooded.peak,), "B"), Figure((alone.peak,), "B")
    yield Row(f"{what}, resident size, peak", *size, whose, at_most(384 * 2**20, "B"))
    for kind, ours, theirs in (("scrapes", flooded.scrapes, alone.scrapes), ("probes", flooded.probes, alone.probes)):
        failed = Figure((ours.failed_share,), "%"), Figure((theirs.failed_share,), "%")
        yield Row(f"{what}, {kind} that fail", *failed, whose, at_most(1, "%"))
        yield Row(f"{what}, {kind}, 99 % within", Figure((ours.slowest,)), Figure((theirs.slowest,)), whose)


@dataclass(frozen=True, slots=True)
class _Phase:
    """What clients met, and the most bytes that the exporter took so far."""

    scrapes: Client
    probes: Client
    peak: int

    @classmethod
    def of(cls, port: int, pid: int, seconds: float, flood: Callable[[threading.Event], None]) -> _Phase:
        done = threading.Event()
        timer = threading.Timer(seconds, done.set)
        timer.start()
        scrapes, probes = Client(port, "/metrics", done), Client(port, "/-/healthy", done)
        flood(done)
        for each in (scrapes, probes):
            each.join()
        return cls(scrapes, probes, _peak(pid))


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
