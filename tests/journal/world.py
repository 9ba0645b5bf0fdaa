"""Accounts whose inventories change from poll to poll, and a journal that is told."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from csr_exporter.inventory import Change, ChangeQuery, Csr
from csr_exporter.journal import Journal
from csr_exporter.status import Account, Remembered, Status
from tests.fakes import NOW, an_inventory

EVERYTHING = ChangeQuery()


def polled(*inventories: Sequence[Csr], name: str = "production", start: Status | None = None) -> list[Status]:
    """The status after each poll, five minutes apart, that read the whole of one of *inventories*."""
    status, statuses = start or Status(Account(name)), []
    for number, csrs in enumerate(inventories):
        status = status.after_success(an_inventory(*csrs), NOW + 300 * number, seconds=0.5)
        statuses.append(status)
    return statuses


def record(journal: Journal, *statuses: Status, identity: str = "same") -> None:
    """Tell *journal* of each of *statuses*, and wait until it is written or has failed."""
    for status in statuses:
        journal.record(status.account.name, identity, status.remembered, status.changes)
    journal.flush()


def remembered(folder: Path, name: str = "production", identity: str = "same") -> Remembered | None:
    """What a process that starts now knows of an account."""
    with closing(Journal(folder, now=lambda: NOW)) as journal:
        journal.open()
        return journal.remembered(name, identity)


def told(journal: Journal, query: ChangeQuery = EVERYTHING) -> list[str]:
    """The changes in *journal*, the latest first, such as ``removed shop-1``."""
    return [sentence(change) for _, change in journal.changes(query)]


def sentence(change: Change) -> str:
    return f"{change.kind} {change.name}"
