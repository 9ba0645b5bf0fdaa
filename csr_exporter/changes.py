"""What happened to the CSRs of an account between two complete inventories, and how to ask for it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from csr_exporter.inventory import Csr, Inventory


class ChangeKind(StrEnum):
    """What happened. Values are a contract: add, never rename."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one CSR. *seen_at* is when the poll ended that saw it, *since* the complete poll before.

    *previous_name* is empty unless it was renamed, and *created_at* is as in `Csr`.
    """

    seen_at: float
    since: float
    account: str
    kind: ChangeKind
    id: str
    name: str
    previous_name: str
    domain: str
    algorithm: str
    created_at: float | None


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """Which changes to show, the newest first; without *accounts*, those of all.

    *text* is looked for in ids, names and domains, in upper or lower case. *since* are Unix seconds. *before* is the
    number of a change: the changes that were recorded before that one.
    """

    accounts: tuple[str, ...] = ()
    kind: ChangeKind | None = None
    text: str = ""
    since: float | None = None
    before: int | None = None
    limit: int | None = None


def changes_between(account: str, old: Inventory, since: float, new: Inventory, seen_at: float) -> tuple[Change, ...]:
    """The changes from *old*, read at *since*, to *new*, read at *seen_at*; both have to be complete.

    Only the name of a CSR can change. Source: UpdateCsr.
    """
    before, after = ({csr.id: csr for csr in inventory.csrs} for inventory in (old, new))

    def change(kind: ChangeKind, csr: Csr, previous_name: str = "") -> Change:
        named = (csr.id, csr.name, previous_name, csr.domain, csr.algorithm)
        return Change(seen_at, since, account, kind, *named, csr.created_at)

    def changes() -> Iterator[Change]:
        for csr in old.csrs:
            if csr.id not in after:
                yield change(ChangeKind.REMOVED, csr)
        for csr in new.csrs:
            known = before.get(csr.id)
            if known is None:
                yield change(ChangeKind.ADDED, csr)
            elif known.name != csr.name:
                yield change(ChangeKind.RENAMED, csr, known.name)

    return tuple(changes())
