"""What takes a process of its own: ``python -m tests.journal.scenarios NAME FOLDER``."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

import structlog

from csr_exporter.inventory import ChangeQuery
from csr_exporter.journal import Journal
from tests.fakes import NOW, a_csr
from tests.journal.world import polled, record

NOBODY = 65_534


def large(folder: Path) -> str:
    """Record a small inventory, then one of more than a megabyte."""
    small, many = polled([a_csr("1")], [a_csr(f"{number}") for number in range(3000)])
    with closing(Journal(folder, now=lambda: NOW)) as journal:
        journal.open()
        record(journal, small)
        record(journal, many)
        return f"{journal.failures} failures {len(journal.changes(ChangeQuery()))} changes"


def unprivileged(folder: Path) -> str:
    """Record as a user who may not write to *folder*; root may write everywhere."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    with structlog.testing.capture_logs() as events, closing(Journal(folder, now=lambda: NOW)) as journal:
        journal.open()
        record(journal, *polled([a_csr("1")], []))
        assert journal.failing
    return " ".join(each["fault"] for each in events)


SCENARIOS = {"large": large, "unprivileged": unprivileged}

if __name__ == "__main__":
    sys.stdout.write(f"{SCENARIOS[sys.argv[1]](Path(sys.argv[2]))}\n")
