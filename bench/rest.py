"""What an exporter takes day to day, polling every five minutes and scraped every fifteen seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from bench.cloud import cloud
from bench.exporter import Exporter, running
from bench.table import Figure, Row, at_most

SIZES = (1, 100, 1_000)
CSRS = 50
POLL_INTERVAL = 300
SCRAPE_INTERVAL = 15
CPU_WANTED = {1_000: at_most(15, "%")}
MEMORY_WANTED = {1: at_most(45 * 2**20, "B")}


def rows() -> Iterator[Row]:
    """Exporters with few and many accounts, side by side for one poll interval."""
    with ExitStack() as stack:
        exporters = [_started(stack, size) for size in SIZES]
        for exporter in exporters:
            exporter.wait_until_polled()
        before = [exporter.process.cpu for exporter in exporters]
        sizes = _scraped(exporters)
        for size, exporter, cpu, memory in zip(SIZES, exporters, before, sizes, strict=True):
            what = f"{size} accounts of {CSRS} CSRs, polled each {POLL_INTERVAL} s, scraped each {SCRAPE_INTERVAL} s"
            share = 100 * (exporter.process.cpu - cpu) / POLL_INTERVAL
            yield Row(f"{what}, CPU of one core", Figure((share,), "%"), wanted=CPU_WANTED.get(size))
            yield Row(f"{what}, resident size", Figure(tuple(memory), "B"), wanted=MEMORY_WANTED.get(size))


def _started(stack: ExitStack, accounts: int) -> Exporter:
    config = stack.enter_context(cloud(accounts, CSRS))
    return stack.enter_context(running({**config, "poll_interval": f"{POLL_INTERVAL}s"}))


def _scraped(exporters: Sequence[Exporter]) -> list[list[float]]:
    """The resident sizes of *exporters* after each scrape during one poll interval."""
    sizes: list[list[float]] = [[] for _ in exporters]
    started = time.monotonic()
    for number in range(1, POLL_INTERVAL // SCRAPE_INTERVAL + 1):
        for exporter, found in zip(exporters, sizes, strict=True):
            exporter.scrape()
            found.append(exporter.process.resident)
        time.sleep(max(0.0, started + number * SCRAPE_INTERVAL - time.monotonic()))
    return sizes
