"""The CSRs of an account, which change as time passes."""

from __future__ import annotations

import copy
import threading
from typing import Any, Literal

from csr_exporter.simulator.account import SimulatedAccount
from csr_exporter.simulator.records import Generator


class CsrStore:
    """The records of one account, changed by its churn and by tests.

    Churn catches up whenever the records are read, so it needs no thread and works with any clock. The lock is for
    tests, which add and remove from a thread of their own while the server reads.
    """

    def __init__(self, account: SimulatedAccount, now: float) -> None:
        self._generator = Generator(account.seed)
        self._records: list[Any] = (
            self._generator.history(account.csrs, now) if account.records is None else copy.deepcopy([*account.records])
        )
        self._started_at = now
        self._seconds_per_event = 60 / account.churn_per_minute if account.churn_per_minute else 0.0
        self._events = 0
        self._lock = threading.Lock()

    def at(self, now: float) -> tuple[Any, ...]:
        """The records at *now*, newest first. They are shared, so not to be changed."""
        with self._lock:
            self._catch_up(now)
            return tuple(self._records)

    def add(self, record: Any) -> None:  # noqa: ANN401 - hostile records too
        """Put *record* first, as the newest."""
        with self._lock:
            self._records.insert(0, copy.deepcopy(record))

    def remove(self, identity: str) -> None:
        """Raises `KeyError` when there is no record of that id."""
        with self._lock:
            kept = [record for record in self._records if not _has_id(record, identity)]
            if len(kept) == len(self._records):
                raise KeyError(identity)
            self._records = kept

    def mutate(self, change: Literal["add", "remove", "reorder"], now: float) -> None:
        """Add a generated record in front, remove one, or move the last one to the front."""
        with self._lock:
            if change == "add":
                self._records.insert(0, self._generator.record(now, now))
            elif self._records and change == "remove":
                del self._records[self._generator.choice(len(self._records))]
            elif self._records:
                self._records.insert(0, self._records.pop())

    def _catch_up(self, now: float) -> None:
        if not self._seconds_per_event:
            return
        due = int((now - self._started_at) / self._seconds_per_event)
        while self._events < due:
            self._events += 1
            self._change(self._started_at + self._events * self._seconds_per_event)

    def _change(self, now: float) -> None:
        """Create, rename, delete, rename, in turn: the number of records stays within one of where it began."""
        if self._events % 4 == 1 or not self._records:
            self._records.insert(0, self._generator.record(now, now))
            return
        chosen = self._generator.choice(len(self._records))
        if self._events % 4 == 3:  # noqa: PLR2004 - the third of the four in turn
            del self._records[chosen]
        elif isinstance(record := self._records[chosen], dict):
            self._records[chosen] = record | {"name": self._generator.name(now), "update_time": round(now * 1000)}


def _has_id(record: object, identity: str) -> bool:
    return isinstance(record, dict) and record.get("id") == identity
