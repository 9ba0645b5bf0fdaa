"""From the start of the process to the first data."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from typing import Any

from bench import measure
from bench.cloud import cloud
from bench.exporter import running
from bench.table import Figure, Row, at_most

CSRS = 50
WANTED = {"first data": at_most(0.3)}


def rows() -> Iterator[Row]:
    """One account whose CSRs fit on one page."""
    with cloud(accounts=1, csrs=CSRS) as config:
        _start(config)  # compiles, as an installed package is
        (found,) = measure.several(lambda: _start(config))
    for name, values in found.items():
        yield Row(f"start to {name}, one account of {CSRS} CSRs, wall", Figure(values), wanted=WANTED.get(name))


def _start(config: dict[str, Any]) -> dict[str, float]:
    started = time.perf_counter()
    with running(config) as exporter:
        listening = time.perf_counter() - started
        exporter.wait_until_polled()
        if b"\nscm_csr_info{" not in gzip.decompress(exporter.scrape()):
            raise AssertionError("expected series of CSRs")
        return {"listening": listening, "first data": time.perf_counter() - started}
