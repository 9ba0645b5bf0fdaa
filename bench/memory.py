"""What an inventory and its rendering add to the memory of a process: ``python -m bench.memory FILE``."""

from __future__ import annotations

import gc
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import measure
from bench.processes import peak, python, resident
from bench.table import Figure, Row, at_most
from bench.world import NOW, a_status, replies
from csr_exporter.exposition import OPENMETRICS, TEXT, exposition, gzipped, joined, prepare
from csr_exporter.metrics import Exposed
from csr_exporter.status import Account, Status

SIZE = 10_000
EXPOSED = Exposed(max_series=10**6)


def rows() -> Iterator[Row]:
    """The inventory of one account, in a fresh process each time."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        Path(file.name).write_bytes(b"\n".join(replies(SIZE)))
        (found,) = measure.several(lambda: _added(file.name))
    for name, values in found.items():
        yield Row(f"resident size added by {SIZE} CSRs, {name}", Figure(values, "B"), wanted=at_most(20 * 2**20, "B"))


def _added(file: str) -> dict[str, float]:
    with python("bench.memory", file) as process:
        found: dict[str, float] = json.loads(process.hear())
        return found


def main() -> None:
    """Read pages from a file, render them in both formats, and print how many bytes that added."""
    _scrape(Status(Account("production")))
    gc.collect()
    before = resident()
    with Path(sys.argv[1]).open("rb") as pages:
        status = a_status(pages)
    prepare(status, EXPOSED, NOW)
    _scrape(status)
    gc.collect()
    sys.stdout.write(f"{json.dumps({'after scrapes': resident() - before, 'peak': peak() - before})}\n")


def _scrape(status: Status) -> None:
    gzipped(exposition([status], EXPOSED, NOW, [], OPENMETRICS))
    joined(exposition([status], EXPOSED, NOW, [], TEXT))


if __name__ == "__main__":
    main()
