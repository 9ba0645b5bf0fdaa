"""Credentials that end: kept while they are good, renewed before their end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from csr_exporter.inventory import SourceError

RENEW_BEFORE = 3600.0
"""Seconds before the end of a token of 24 hours that it is renewed."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lease(Generic[T]):
    """A token or key, and when it was issued and ends in Unix seconds."""

    value: T = field(repr=False)
    issued_at: float
    expires_at: float

    def worth_renewing(self, now: float) -> bool:
        """Whether its end is near: an hour, or a quarter of its life if that is less."""
        return self.expires_at - now < min(RENEW_BEFORE, (self.expires_at - self.issued_at) / 4)


class Held(Generic[T]):
    """What is held of one credential, by all the accounts that use it; *lock* is held while it is looked after."""

    def __init__(self) -> None:
        self.lock = threading.Lock()  # accounts are polled side by side, and one renewal is enough for all
        self.lease: Lease[T] | None = None
        self.not_before = 0.0
        self.obtained = 0


class Pool:
    """Gives accounts with equal credentials the same `Held`, for as long as one of them uses it."""

    def __init__(self) -> None:
        self._held: WeakValueDictionary[Hashable, Held[Any]] = WeakValueDictionary()

    def held(self, credentials: Hashable) -> Held[Any]:
        """What is held of *credentials*, which include the way to whoever issues leases."""
        return self._held.setdefault(credentials, Held())


class Leased(Generic[T]):
    """Gives the lease in *held*, which it gets by *obtain*, which raises `SourceError`.

    After a failed renewal it waits *pause* seconds. Waiting for another account to renew takes no longer than a poll.
    """

    def __init__(self, obtain: Callable[[float], Lease[T]], pause: float, held: Held[T]) -> None:
        self._obtain = obtain
        self._pause = pause
        self._held = held
        self._given: Lease[T] | None = None

    @property
    def expires_at(self) -> float | None:
        lease = self._held.lease
        return lease.expires_at if lease else None

    @property
    def renewals(self) -> int:
        return max(0, self._held.obtained - 1)

    def drop(self) -> None:
        """Forget what was given last: it was refused. What another account has renewed since then stays."""
        with self._held.lock:
            if self._held.lease is self._given:
                self._held.lease = None

    def current(self) -> T:
        """What is good now. Raises `SourceError`."""
        with self._held.lock:
            self._given = lease = self._good(time.time())
        return lease.value

    def _good(self, now: float) -> Lease[T]:
        lease = self._held.lease
        if lease is None or now >= lease.expires_at:
            return self._new(now)
        if not lease.worth_renewing(now) or now < self._held.not_before:
            return lease
        try:
            return self._new(now)
        except SourceError:
            # The old one serves while it is good and no new one is to be had.
            self._held.not_before = now + self._pause
            return lease

    def _new(self, now: float) -> Lease[T]:
        self._held.lease = lease = self._obtain(now)
        self._held.obtained += 1
        return lease


def moment(text: object, otherwise: float) -> float:
    """Unix seconds of an RFC 3339 time, with or without a fraction; *otherwise* for what is none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return otherwise
