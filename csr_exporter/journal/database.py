"""The file of the journal: one writing process, a schema with a version, and a place for what is damaged."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

NAME = "journal.db"

LOCK_WAIT = 1.0
"""Seconds that the writer waits for another program's transaction; polls and scrapes wait for neither."""

MIGRATIONS: Sequence[str] = (
    """
    CREATE TABLE changes (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        seen_at REAL NOT NULL,
        since REAL NOT NULL,
        account TEXT NOT NULL,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        previous_name TEXT NOT NULL,
        domain TEXT NOT NULL,
        algorithm TEXT NOT NULL,
        created_at REAL,
        searchable TEXT NOT NULL
    );
    CREATE INDEX changes_by_account ON changes (account);
    CREATE INDEX changes_by_time ON changes (seen_at);
    CREATE TABLE accounts (
        name TEXT PRIMARY KEY,
        identity TEXT NOT NULL,
        recorded_at REAL NOT NULL,
        added INTEGER NOT NULL,
        removed INTEGER NOT NULL,
        renamed INTEGER NOT NULL,
        complete_at REAL,
        inventory TEXT
    ) WITHOUT ROWID;
    CREATE TABLE csrs (
        account TEXT NOT NULL,
        id TEXT NOT NULL,
        csr TEXT NOT NULL,
        PRIMARY KEY (account, id)
    ) WITHOUT ROWID;
    """,
)
"""What makes each version of the schema from the one before. The version of a file is its ``user_version``."""


class JournalInUseError(Exception):
    """Another process keeps its journal in the same folder; the message says in which."""


class NewerJournalError(Exception):
    """A later version of the exporter made the file; the message says so."""


def locked(folder: Path) -> int:
    """A descriptor that keeps other processes out of *folder*, which is made if need be, as long as it is open.

    Raises `OSError` and `JournalInUseError`.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / "journal.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # Unlike a file that merely exists, this lock is gone with its process, however that ends.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise JournalInUseError(f"{folder}: another csr-exporter keeps its journal here") from None
    except OSError:
        os.close(lock)
        raise
    return lock


def in_memory() -> sqlite3.Connection:
    """A journal that ends with the process."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(connection)
    return connection


def writing(folder: Path, migrations: Sequence[str] = MIGRATIONS) -> sqlite3.Connection:
    """The journal in *folder*, made or brought up to date if need be. Raises as `sqlite3`, `OSError` and `migrate`."""
    file = folder / NAME
    file.touch(mode=0o600)  # SQLite gives its other files the same mode
    connection = sqlite3.connect(file, timeout=LOCK_WAIT, isolation_level=None, check_same_thread=False)
    try:
        migrate(connection, migrations)
        connection.execute("PRAGMA journal_mode = WAL")  # readers and the writer do not wait for each other
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """The journal in *folder*, which another process may write. Raises `sqlite3.Error` and `NewerJournalError`."""
    address = f"file:{quote(str(folder / NAME))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=LOCK_WAIT, isolation_level=None)) as connection:
        _version(connection, len(MIGRATIONS))
        yield connection


def migrate(connection: sqlite3.Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring the schema up to date, one transaction for each version. Raises `NewerJournalError`."""
    for version in range(_version(connection, len(migrations)), len(migrations)):
        with transaction(connection):
            for statement in migrations[version].split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version + 1}")


def _version(connection: sqlite3.Connection, newest: int) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > newest:
        raise NewerJournalError(f"{NAME} has version {version}; this exporter knows versions up to {newest}")
    return version


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that the block writes, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk ends it by itself
            connection.execute("ROLLBACK")
        raise


def check(connection: sqlite3.Connection) -> None:
    """Raise `ValueError` if the file is damaged, which takes time in proportion to its size."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise ValueError(found)


def put_aside(folder: Path, now: float) -> Path:
    """Rename the damaged file in *folder*, and what belongs to it; its new name. Raises `OSError`."""
    aside = folder / f"{NAME}.damaged-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S.%fZ}"
    (folder / NAME).rename(aside)
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            (folder / f"{NAME}{suffix}").rename(f"{aside}{suffix}")
    return aside
