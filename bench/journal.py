"""What the journal adds to polls: ``python -m bench.journal KIND FILE``, and with storage FOLDER."""

from __future__ import annotations

import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench import listing, measure
from bench.cloud import cloud
from bench.processes import python, resident
from bench.table import Figure, Row, at_least, at_most
from bench.world import NOW, a_status, replies
from csr_exporter.inventory import Csr, Inventory
from csr_exporter.status import Status

if TYPE_CHECKING:
    from csr_exporter.journal import Journal

SIZE = 10_000
CHANGED = SIZE // 100
POLLS = 6
RUNS = 3
KINDS = ("storage", "memory", "none")
WHAT = f"journal of a poll of {SIZE} CSRs, 1 % changed"


def rows() -> Iterator[Row]:
    """With storage, without, and no journal at all; each in a fresh process each time."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file, cloud(accounts=1, csrs=SIZE) as config:
        Path(file.name).write_bytes(b"\n".join(replies(SIZE)))
        each = [partial(_added, kind, file.name) for kind in KINDS]
        stored, in_memory, none, poll = measure.several(*each, partial(listing.listing, "exporter", config), runs=RUNS)
    whole = Figure(poll["CPU"])
    yield Row(f"{WHAT}, CPU", Figure(stored["CPU"]), whole, "the poll itself", at_least(10))
    yield Row(f"{WHAT}, without storage, CPU", Figure(in_memory["CPU"]), whole, "the poll itself")
    for found, what, wanted in ((stored, "", at_most(5 * 2**20, "B")), (in_memory, ", without storage", None)):
        added = [with_it - without for with_it, without in zip(found["size"], none["size"], strict=True)]
        yield Row(f"{WHAT}{what}, resident size", Figure(tuple(added), "B"), wanted=wanted)


def _added(kind: str, file: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, python("bench.journal", kind, file, folder) as process:
        found: dict[str, float] = json.loads(process.hear())
        return found


def main(kind: str, file: str, folder: str) -> None:
    """Poll, hand over what each poll found, and print the CPU seconds that took and the bytes of the process."""
    journal = _journal(kind, Path(folder))
    status: Status | None = None
    took = []
    for number in range(POLLS):
        with Path(file).open("rb") as pages:
            status = _polled(status, a_status(pages), number)
        before = time.process_time()
        if journal:
            journal.record("production", "same", status.remembered, status.changes)
            journal.flush()
        took.append(time.process_time() - before)
    gc.collect()
    found = {"CPU": statistics.mean(took[1:]), "size": resident()}  # the first stores everything
    sys.stdout.write(f"{json.dumps(found)}\n")


def _journal(kind: str, folder: Path) -> Journal | None:
    if kind == "none":
        return None
    from csr_exporter.journal import Journal  # noqa: PLC0415 - a process without a journal does not load SQLite

    return Journal(folder if kind == "storage" else None)


def _polled(before: Status | None, read: Status, number: int) -> Status:
    """The status once the inventory of *read* was read, with other CSRs than last time in place of a few."""
    if before is None or read.snapshot is None:
        return read
    csrs = read.snapshot.inventory.csrs
    fresh = tuple(Csr(f"{number}-{place}", "new", created_at=NOW) for place in range(CHANGED // 2))
    inventory: Inventory = replace(read.snapshot.inventory, csrs=(*fresh, *csrs[len(fresh) :]))
    return before.after_success(inventory, NOW + number, seconds=1.0)


if __name__ == "__main__":
    main(*sys.argv[1:])
