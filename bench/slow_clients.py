"""What slow clients do to a scrape, against a scrape without them: ``python -m bench.slow_clients``, half a minute.

A real ``csr-exporter run`` scrapes a simulated cloud; the slow clients live in a process of their own, on loopback.
"""

from __future__ import annotations

import asyncio
import http.client
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.synchronize import Event
from pathlib import Path

import yaml

from csr_exporter.commands.demo import configuration
from csr_exporter.simulator import SimulatedAccount, Simulator

ACCOUNTS = [SimulatedAccount(f"account-{number}", csrs=140, seed=number) for number in range(10)]
SCRAPES = 40
DEADLINE = 30.0


class _Clients:
    """*number* clients that send a request byte by byte, with a *pause* after each, or nothing at all."""

    def __init__(self, port: int, number: int, pause: float | None) -> None:
        self._port = port
        self._number = number
        self._pause = pause
        self._connected = 0
        self._connecting = asyncio.Semaphore(100)  # a full listen queue would measure the kernel

    async def run(self, there: Event) -> None:
        """Set *there* once all are connected; go on until cancelled, connecting anew what is dropped."""
        tasks = [asyncio.create_task(self._one(there)) for _ in range(self._number)]
        await asyncio.gather(*tasks)

    async def _one(self, there: Event) -> None:
        while True:
            with suppress(OSError):
                async with self._connecting:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                self._connected += 1
                if self._connected == self._number:
                    there.set()
                while not writer.is_closing() and not reader.at_eof():
                    if self._pause:
                        writer.write(b"a")
                    await asyncio.sleep(self._pause or 1.0)


def _run_clients(port: int, number: int, pause: float | None, there: Event) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(_Clients(port, number, pause).run(there))


@contextmanager
def clients(port: int, number: int, pause: float | None) -> Iterator[None]:
    """*number* slow clients while the block lasts."""
    there = multiprocessing.Event()
    process = multiprocessing.Process(target=_run_clients, args=(port, number, pause, there), daemon=True)
    process.start()
    if not there.wait(DEADLINE):
        raise TimeoutError("the clients did not connect")
    try:
        yield
    finally:
        process.terminate()
        process.join(DEADLINE)


def scrape_seconds(port: int) -> tuple[float, int]:
    """Median time of a scrape on a connection of its own, and the bytes of the last."""
    times, size = [], 0
    for _ in range(SCRAPES):
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        connection.request("GET", "/metrics")
        size = len(connection.getresponse().read())
        connection.close()
        times.append(time.perf_counter() - started)
    return statistics.median(times), size


@contextmanager
def exporter(
    accounts: Sequence[SimulatedAccount], settings: Mapping[str, object], ready_within: float = DEADLINE
) -> Iterator[tuple[int, int]]:
    """Port and process id of an exporter that has polled all *accounts*."""
    with tempfile.TemporaryDirectory() as directory, Simulator(accounts) as simulator:
        file = Path(directory) / "config.yml"
        whole = {**configuration(accounts, simulator.url), "poll_interval": "1h", **settings}
        for each, account in zip(whole["accounts"], accounts, strict=True):
            each["max_offset"] = account.max_offset
        file.write_text(yaml.safe_dump(whole), "utf-8")
        arguments = ["run", f"--config.file={file}", "--web.listen-address=127.0.0.1:0", "--log.level=error"]
        with subprocess.Popen([sys.executable, "-m", "csr_exporter", *arguments], stdout=subprocess.PIPE) as process:  # noqa: S603 - ours
            port = int((process.stdout or sys.stdin.buffer).readline().rpartition(b":")[2])
            try:
                _wait_until_ready(port, ready_within)
                yield port, process.pid
            finally:
                process.terminate()


def _wait_until_ready(port: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    status = 0
    while status != http.HTTPStatus.OK and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        connection.request("GET", "/-/ready")
        status = connection.getresponse().status
        connection.close()
        time.sleep(0.1)


def _held_by(pid: int) -> tuple[int, int]:
    """Descriptors and bytes of memory of a process."""
    process = Path(f"/proc/{pid}")
    pages = int((process / "statm").read_text("utf-8").split()[1])
    return len(list((process / "fd").iterdir())), pages * resource.getpagesize()


def main() -> None:
    """Print one line for each comparison."""
    with exporter(ACCOUNTS, {}) as (port, pid):
        before, size = scrape_seconds(port)
        sys.stdout.write(f"a scrape of {size / 1e6:.1f} MB alone: {before * 1000:.0f} ms\n")
        for number, pause, what in ((2000, 1.0, "that send a byte a second"), (10_000, None, "that are idle")):
            with clients(port, number, pause):
                among, _ = scrape_seconds(port)
                held, memory = _held_by(pid)
            after, _ = scrape_seconds(port)
            alone, before = (before + after) / 2, after
            sys.stdout.write(f"among {number} clients {what}: {among / alone:.2f} times that")
            sys.stdout.write(f" ({held} descriptors, {memory / 1e6:.0f} MB resident)\n")


if __name__ == "__main__":
    main()
