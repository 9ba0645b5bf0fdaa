"""The journal: polls hand over what they found, one thread writes it, and pages read."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from csr_exporter.inventory import Change, ChangeQuery, Inventory
from csr_exporter.journal import database, rows
from csr_exporter.journal.faults import ADVICE, FAULTS, Fault, fault_of
from csr_exporter.status import Remembered

log = structlog.get_logger()

RETENTION = 400 * 86_400.0
"""Seconds: a year, and a month to look back at it."""

MOST_IN_MEMORY = 10_000
"""Changes kept without storage; and with it, those of an account that wait while the storage fails."""

CLOSE_SECONDS = 1.0
"""For which the end of the process waits for what is not yet written."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a poll has to record. *identity* tells whose CSRs they are."""

    account: str
    identity: str
    remembered: Remembered
    changes: tuple[Change, ...]

    def followed_by(self, later: _Entry) -> _Entry:
        """One entry for both."""
        changes = (*self.changes, *later.changes)[-MOST_IN_MEMORY:]
        return _Entry(later.account, later.identity, later.remembered, changes)


class Journal:
    """What outlasts a process, in *folder*, or without one the changes alone, in memory.

    Changes older than *retention* seconds are deleted. No method but `open` raises: whatever is wrong with the storage
    is logged and counted. What could not be written waits for the next poll.
    """

    def __init__(
        self, folder: Path | None = None, retention: float = RETENTION, now: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._retention = retention
        self._now = now
        self._lock: int | None = None
        self._connection: sqlite3.Connection | None = None
        self._connecting = threading.RLock()  # the connection is used by one thread at a time
        self._stored: dict[str, Inventory] = {}  # what the database has of each account
        self._suspect = False
        self._waiting: dict[str, _Entry] = {}
        self._queueing = threading.Lock()  # held for moments only: polls wait for it
        self._writer: threading.Thread | None = None
        self._closed = False
        self._logged: set[Fault] = set()
        self._failures = 0

    @property
    def failures(self) -> int | None:
        """How often the storage failed; None without storage."""
        return None if self._folder is None else self._failures

    @property
    def failing(self) -> bool:
        """Whether the storage failed and has not been written since."""
        return bool(self._logged)

    def open(self) -> None:
        """Begin with what is stored. Raises `JournalInUseError`; other faults only mean that nothing is remembered."""
        if self._folder is None:
            return
        with self._connecting:
            try:
                self._connect()
            except database.JournalInUseError:
                raise
            except FAULTS as error:
                self._failed(error)

    def close(self) -> None:
        """Write what waits, within `CLOSE_SECONDS`, and let other processes have the folder."""
        self.flush()
        with self._connecting:
            self._closed = True
            self._disconnect()
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def flush(self) -> None:
        """Wait until all is written or has failed, for at most `CLOSE_SECONDS`."""
        if writer := self._writer:
            writer.join(CLOSE_SECONDS)

    def remembered(self, account: str, identity: str) -> Remembered | None:
        """What is stored of *account*, unless it has another *identity* now."""
        if self._folder is None:
            return None
        self.flush()
        with self._connecting:
            try:
                found = rows.read_account(self._connect(), account)
            except FAULTS as error:
                self._failed(error)
                return None
            if found is None:
                return None
            before, remembered = found
            if before != identity:
                log.warning("account_starts_anew", account=account, detail="its credentials or endpoint changed")
                return None
            if remembered.complete:
                self._stored[account] = remembered.complete.inventory
            return remembered

    def record(self, account: str, identity: str, remembered: Remembered, changes: tuple[Change, ...]) -> None:
        """Have *changes* and all that is *remembered* of *account* written soon, together or not at all."""
        entry = _Entry(account, identity, remembered, changes)
        with self._queueing:
            before = self._waiting.get(account)
            self._waiting[account] = before.followed_by(entry) if before else entry
            if self._writer is None:
                writer = threading.Thread(target=self._write_waiting, name="journal", daemon=True)
                writer.start()
                self._writer = writer

    def changes(self, query: ChangeQuery) -> Sequence[tuple[int, Change]]:
        """The recorded changes that *query* asks for, with their numbers, the latest first."""
        try:
            if self._folder is None:
                with self._connecting:
                    return list(rows.recorded(self._connect(), query))
            with database.reading(self._folder) as connection:
                return list(rows.recorded(connection, query))
        except FAULTS as error:
            self._suspect = True  # whether the file is damaged, its writer finds out
            self._count(error)
            return []

    def _write_waiting(self) -> None:
        """Write the entries that wait. After a fault, those that are left wait for the next poll."""
        while entry := self._next():
            with self._connecting:
                if self._closed:
                    return
                try:
                    self._write(entry)
                except Exception as error:  # noqa: BLE001 - a bug of ours must not end the recording either
                    self._failed(error)
                    self._put_back(entry)
                    return

    def _next(self) -> _Entry | None:
        with self._queueing:
            if self._waiting:
                return self._waiting.pop(next(iter(self._waiting)))
            self._writer = None
            return None

    def _put_back(self, entry: _Entry) -> None:
        with self._queueing:
            later = self._waiting.get(entry.account)
            self._waiting[entry.account] = entry.followed_by(later) if later else entry
            self._writer = None

    def _write(self, entry: _Entry) -> None:
        connection, now = self._connect(), self._now()
        complete = entry.remembered.complete
        with database.transaction(connection):
            rows.insert_changes(connection, entry.changes)
            rows.delete_changes_before(connection, now - self._retention)
            if self._folder is None:
                rows.keep_latest_changes(connection, MOST_IN_MEMORY)
            else:
                rows.write_account(connection, entry.account, entry.identity, entry.remembered, now)
                if complete:
                    rows.write_csrs(connection, entry.account, self._stored.get(entry.account), complete.inventory)
        if self._folder and complete:
            self._stored[entry.account] = complete.inventory
        if self._logged:
            self._logged.clear()
            log.info("storage_recovered")

    def _connect(self) -> sqlite3.Connection:
        """The connection, made anew if there is none. Raises one of `FAULTS`."""
        connection = self._connection
        if connection is None:
            connection = self._connection = self._opened(self._folder) if self._folder else database.in_memory()
            with database.transaction(connection):
                rows.delete_accounts_before(connection, self._now() - self._retention)
        if self._suspect:
            database.check(connection)
            self._suspect = False
        return connection

    def _opened(self, folder: Path) -> sqlite3.Connection:
        if self._lock is None:
            self._lock = database.locked(folder)
        return database.writing(folder)

    def _disconnect(self) -> None:
        self._stored.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _failed(self, error: Exception) -> None:
        """Count *error*, and put a damaged file aside, so that a new one is begun."""
        fault = self._count(error)
        if fault in {Fault.FULL, Fault.LOCKED}:
            return  # they pass, and the connection is as good as before
        self._disconnect()
        self._suspect = False
        if fault is Fault.DAMAGED and self._folder:
            try:
                aside = database.put_aside(self._folder, self._now())
            except OSError as hindrance:
                self._count(hindrance)
            else:
                log.error("journal_put_aside", file=str(aside))

    def _count(self, error: Exception) -> Fault:
        fault = fault_of(error)
        with self._queueing:
            self._failures += 1
            new = fault not in self._logged
            self._logged.add(fault)
        if new:
            bug = {} if isinstance(error, FAULTS) else {"exc_info": error}
            log.error("storage_failed", fault=fault, detail=str(error), advice=ADVICE[fault], **bug)
        return fault
