"""From values to rows and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

from csr_exporter.inventory import Change, ChangeKind, ChangeQuery, Csr, Inventory, OffsetMode
from csr_exporter.status import Churn, Complete, Remembered
from csr_exporter.text import searchable

COLUMNS = tuple(field.name for field in fields(Change))
CSR_FIELDS = tuple(field.name for field in fields(Csr))
INVENTORY_FIELDS = ("reported", "by_algorithm", "offset_mode", "requests", "slices", "carried")

_INSERT = f"INSERT INTO changes ({', '.join(COLUMNS)}, searchable) VALUES ({', '.join('?' * (len(COLUMNS) + 1))})"  # noqa: S608 - names of ours


def insert_changes(connection: sqlite3.Connection, changes: Iterable[Change]) -> None:
    """Record *changes*, in their order."""
    connection.executemany(
        _INSERT,
        (
            (
                *(getattr(change, name) for name in COLUMNS),
                searchable(change.id, change.name, change.previous_name, change.domain),
            )
            for change in changes
        ),
    )


def recorded(connection: sqlite3.Connection, query: ChangeQuery) -> Iterator[tuple[int, Change]]:
    """The changes that *query* asks for, with their numbers, the latest first; read as they are asked for."""
    conditions: list[tuple[str, Any]] = [
        ("kind = ?", query.kind),
        ("instr(searchable, ?) > 0", searchable(query.text) or None),
        ("seen_at >= ?", query.since),
        ("number < ?", query.before),
    ]
    given = [(condition, value) for condition, value in conditions if value is not None]
    where = [condition for condition, _ in given]
    if query.accounts:
        where.append(f"account IN ({', '.join('?' * len(query.accounts))})")
    rows = connection.execute(
        f"SELECT number, {', '.join(COLUMNS)} FROM changes WHERE {' AND '.join(where) or '1'}"  # noqa: S608 - all values are given apart
        " ORDER BY number DESC LIMIT ?",
        (*(value for _, value in given), *query.accounts, -1 if query.limit is None else query.limit),
    )
    for number, *values in rows:
        change = Change(*values)
        yield number, replace(change, kind=ChangeKind(change.kind))


def delete_changes_before(connection: sqlite3.Connection, instant: float) -> None:
    """Forget the changes that were seen before *instant*, in Unix seconds."""
    connection.execute("DELETE FROM changes WHERE seen_at < ?", (instant,))


def keep_latest_changes(connection: sqlite3.Connection, number: int) -> None:
    """Forget all but the latest *number* changes."""
    connection.execute("DELETE FROM changes WHERE number <= (SELECT max(number) FROM changes) - ?", (number,))


def delete_accounts_before(connection: sqlite3.Connection, instant: float) -> None:
    """Forget the accounts that were last recorded before *instant*, in Unix seconds; their changes stay."""
    connection.execute(
        "DELETE FROM csrs WHERE account IN (SELECT name FROM accounts WHERE recorded_at < ?)", (instant,)
    )
    connection.execute("DELETE FROM accounts WHERE recorded_at < ?", (instant,))


def write_account(
    connection: sqlite3.Connection, account: str, identity: str, remembered: Remembered, now: float
) -> None:
    """Write all of *remembered* but the CSRs."""
    churn, complete = remembered.churn, remembered.complete
    inventory = complete and {name: getattr(complete.inventory, name) for name in INVENTORY_FIELDS}
    connection.execute(
        "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            account,
            identity,
            now,
            churn.added,
            churn.removed,
            churn.renamed,
            complete and complete.at,
            inventory and json.dumps(inventory, default=dict),  # some of its mappings are no dictionaries
        ),
    )


def write_csrs(connection: sqlite3.Connection, account: str, old: Inventory | None, new: Inventory) -> None:
    """Write what differs between *old*, which is what is stored, and *new*."""
    if old is new:
        return
    if old is None:
        connection.execute("DELETE FROM csrs WHERE account = ?", (account,))
    before = {csr.id: csr for csr in old.csrs} if old else {}
    gone = before.keys() - {csr.id for csr in new.csrs}
    connection.executemany("DELETE FROM csrs WHERE account = ? AND id = ?", ((account, each) for each in gone))
    connection.executemany(
        "INSERT OR REPLACE INTO csrs VALUES (?, ?, ?)",
        ((account, csr.id, _as_json(csr)) for csr in new.csrs if before.get(csr.id) != csr),
    )


def _as_json(csr: Csr) -> str:
    """Without what is empty, which is most of it."""
    values = ((name, getattr(csr, name)) for name in CSR_FIELDS)
    return json.dumps({name: value for name, value in values if value}, ensure_ascii=False)


def read_account(connection: sqlite3.Connection, account: str) -> tuple[str, Remembered] | None:
    """The identity of *account* and what is remembered of it. Raises `ValueError` for what nobody wrote."""
    row = connection.execute("SELECT * FROM accounts WHERE name = ?", (account,)).fetchone()
    if row is None:
        return None
    _, identity, _, added, removed, renamed, complete_at, inventory = row
    complete = None if inventory is None else Complete(_read_inventory(connection, account, inventory), complete_at)
    return identity, Remembered(Churn(added, removed, renamed), complete)


def _read_inventory(connection: sqlite3.Connection, account: str, text: str) -> Inventory:
    try:
        rows = connection.execute("SELECT csr FROM csrs WHERE account = ?", (account,))
        csrs = tuple(_from_json(csr) for (csr,) in rows)
        values = json.loads(text)
        mode = OffsetMode(values.pop("offset_mode"))
        return Inventory(csrs, complete=True, offset_mode=mode, **values)
    except (TypeError, LookupError, AttributeError) as error:
        raise ValueError(f"the inventory of {account} is unreadable") from error


def _from_json(text: str) -> Csr:
    values = json.loads(text)
    return Csr(**{**values, "sans": tuple(values.get("sans", ()))})
