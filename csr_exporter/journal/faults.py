"""What can be wrong with storage, and what to do about it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Mapping
from enum import StrEnum

from csr_exporter.journal.database import JournalInUseError, NewerJournalError

FAULTS = (OSError, sqlite3.Error, JournalInUseError, NewerJournalError, ValueError)
"""Whatever can go wrong; `ValueError` is that of stored JSON that is none."""


class Fault(StrEnum):
    """Kinds of faults. Values appear in the log."""

    FULL = "full"
    LOCKED = "locked"
    DAMAGED = "damaged"
    READ_ONLY = "read_only"
    NEWER = "newer_version"
    OTHER = "other"


ADVICE: Mapping[Fault, str] = {
    Fault.FULL: "make room on the volume of --storage.path, or shorten --storage.retention",
    Fault.LOCKED: "end the other program that writes to the journal",
    Fault.DAMAGED: "check the disk; a new journal is begun, and the damaged file is kept beside it",
    Fault.READ_ONLY: "let the exporter's user write to the folder of --storage.path",
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
    sqlite3.SQLITE_READONLY: Fault.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Fault.READ_ONLY,
    sqlite3.SQLITE_PERM: Fault.READ_ONLY,
}
_BY_ERRNO = {
    errno.ENOSPC: Fault.FULL,
    errno.EDQUOT: Fault.FULL,
    errno.EACCES: Fault.READ_ONLY,
    errno.EPERM: Fault.READ_ONLY,
    errno.EROFS: Fault.READ_ONLY,
}
_PRIMARY = 0xFF
"""The part of SQLite's extended codes that says which kind it is."""


def fault_of(error: Exception) -> Fault:
    """The kind of *error*, which is one of `FAULTS`."""
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
