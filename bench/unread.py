"""What 40 clients that read nothing do to a large exporter: ``python -m bench.unread``, one to two minutes.

A real ``csr-exporter run`` holds an account of 20000 CSRs. The clients ask for ``/metrics`` as plain text and
read nothing; ten times a second a new one takes the place of the oldest. Meanwhile another client scrapes as Prometheus
does, and a third probes.
"""

from __future__ import annotations

import http.client
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from bench.slow_clients import exporter
from csr_exporter.simulator import SimulatedAccount

ACCOUNT = SimulatedAccount("large", csrs=20_000, seed=1, max_offset=None)
SETTINGS = {"max_requests_per_poll": 2000, "max_requests_per_second": 1000, "poll_timeout": "10m"}

CLIENTS = 40
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


def _memory(pid: int, field: str) -> float:
    """``VmRSS``, resident now, or ``VmHWM``, at most so far, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def _summary(client: Client) -> str:
    times = sorted(client.times)
    asked = len(times) + len(client.failed)
    slowest = times[int(len(times) * 0.99)] if times else float("nan")
    text = f"{len(times)} of {asked} answered ({100 * len(times) / asked:.1f} %), 99 % within {slowest * 1000:.0f} ms"
    return text + (f", {len(client.failed)} failed: {', '.join(sorted(set(client.failed)))}" if client.failed else "")


def main() -> None:
    """Print the figures without the clients and with them."""
    with exporter([ACCOUNT], SETTINGS, ready_within=600.0) as (port, pid):
        _phase(port, pid, "alone", 10.0, lambda _done: None)
        _phase(port, pid, f"among {CLIENTS} clients that read nothing", SECONDS, lambda done: _read_nothing(port, done))


def _phase(port: int, pid: int, what: str, seconds: float, flood: Callable[[threading.Event], None]) -> None:
    done = threading.Event()
    timer = threading.Timer(seconds, done.set)
    timer.start()
    scraper, prober = Client(port, "/metrics", done), Client(port, "/-/healthy", done)
    flood(done)
    for each in (scraper, prober):
        each.join()
    resident, peak = _memory(pid, "VmRSS"), _memory(pid, "VmHWM")
    sys.stdout.write(f"{what}: {resident:.0f} MiB resident, {peak:.0f} MiB at most\n")
    sys.stdout.write(f"  scrapes: {_summary(scraper)}\n  probes: {_summary(prober)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
