"""What can be wrong with storage, and what to do about it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Mapping
from enum import StrEnum

from csr_exporter.journal.database import JournalInUseError, NewerJournalError

FAULTS = (OSError, sqlite3.Error, JournalInUseError, NewerJournalError, ValueError)
"""Whatever can be wrong with storage; `ValueError` is that of stored JSON that is none."""


class Fault(StrEnum):
    """Kinds of faults. Values appear in the log."""

    FULL = "full"
    LOCKED = "locked"
    DAMAGED = "damaged"
    NOT_WRITABLE = "not_writable"
    NEWER = "newer_version"
    OTHER = "other"


ADVICE: Mapping[Fault, str] = {
    Fault.FULL: "make room on the volume of --storage.path, or shorten --storage.retention",
    Fault.LOCKED: "end the other program that writes to the journal",
    Fault.DAMAGED: "check the disk; a new journal is begun, and the damaged file is kept beside it",
    Fault.NOT_WRITABLE: "make --storage.path a folder that the exporter's user may write to",
    Fault.NEWER: "run the newer version of the exporter, or give this one another --storage.path",
    Fault.OTHER: "check the disk and the folder of --storage.path",
}
"""What to do about each."""

_BY_SQLITE = {
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_BUSY: Fault.LOCKED,
    sqlite3.SQLITE_LOCKED: Fault.LOCKED,
    sqlite3.SQLITE_CORRUPT: Fault.DAMAGED,
    sqlite3.SQLITE_NOTADB: Fault.DAMAGED,
    sqlite3.SQLITE_READONLY: Fault.NOT_WRITABLE,
    sqlite3.SQLITE_CANTOPEN: Fault.NOT_WRITABLE,
    sqlite3.SQLITE_PERM: Fault.NOT_WRITABLE,
}
_BY_ERRNO = {
    errno.ENOSPC: Fault.FULL,
    errno.EDQUOT: Fault.FULL,
    errno.EACCES: Fault.NOT_WRITABLE,
    errno.EPERM: Fault.NOT_WRITABLE,
    errno.EROFS: Fault.NOT_WRITABLE,
    errno.ENOENT: Fault.NOT_WRITABLE,
    errno.ENOTDIR: Fault.NOT_WRITABLE,
    errno.EEXIST: Fault.NOT_WRITABLE,
}
_PRIMARY = 0xFF
"""The part of SQLite's extended codes that says which kind it is."""


def fault_of(error: Exception) -> Fault:
    """The kind of *error*."""
    match error:
        case NewerJournalError():
            return Fault.NEWER
        case JournalInUseError():
            return Fault.LOCKED
        case ValueError():
            return Fault.DAMAGED
        case sqlite3.Error():
            return _BY_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & _PRIMARY, Fault.OTHER)
        case OSError():
            return _BY_ERRNO.get(error.errno or 0, Fault.OTHER)
    return Fault.OTHER
