"""Credentials that end: kept while they are good, renewed before their end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from csr_exporter.inventory import Reason, SourceError

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


@dataclass(frozen=True, slots=True)
class Refusal:
    """That nobody may ask with the *secrets* of this fingerprint before *until*, in Unix seconds, and why."""

    reason: Reason
    detail: str
    secrets: bytes
    until: float

    def again(self, now: float) -> SourceError:
        """What an account is told that would ask all the same."""
        return SourceError(self.reason, self.detail, pause=self.until - now)


def unix_time() -> float:
    """The time in Unix seconds."""
    return time.time()


class Held(Generic[T]):
    """What is held of one credential, by all the accounts that use it; *lock* is held while it is looked after.

    *now* tells when leases and pauses end.
    """

    def __init__(self, now: Callable[[], float] = unix_time) -> None:
        self.now = now
        self.lock = threading.Lock()  # accounts are polled side by side, and one renewal is enough for all
        self.lease: Lease[T] | None = None
        self.refusal: Refusal | None = None
        self.not_before = 0.0
        self.obtained = 0


class Pool:
    """Gives accounts with equal credentials the same `Held`, for as long as one of them uses it."""

    def __init__(self, now: Callable[[], float] = unix_time) -> None:
        self._now = now
        self._held: WeakValueDictionary[Hashable, Held[Any]] = WeakValueDictionary()

    def held(self, credentials: Hashable) -> Held[Any]:
        """What is held of *credentials*, which include the way to whoever issues leases.

        A refusal is forgotten: whoever is configured anew may try once.
        """
        held = self._held.setdefault(credentials, Held(self._now))
        held.refusal = None
        return held


class Leased(Generic[T]):
    """Gives the lease in *held*, which it gets by *obtain*, which raises `SourceError`.

    After a failed renewal it waits *pause* seconds. Waiting for another account to renew takes no longer than a poll.
    While a refusal stands that another account met with, and *fingerprint* says that the secrets are the same, it does
    not ask: accounts that share a wrong password would together get their user locked.
    """

    def __init__(
        self, obtain: Callable[[float], Lease[T]], fingerprint: Callable[[], bytes], pause: float, held: Held[T]
    ) -> None:
        self._obtain = obtain
        self._fingerprint = fingerprint
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
            self._given = lease = self._good(self._held.now())
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
        held, secrets = self._held, self._fingerprint()
        if held.refusal and held.refusal.secrets == secrets and now < held.refusal.until:
            raise held.refusal.again(now)
        try:
            held.lease = lease = self._obtain(now)
        except SourceError as error:
            held.refusal = Refusal(error.reason, error.detail, secrets, now + error.pause)
            raise
        held.obtained += 1
        return lease


def moment(text: object, otherwise: float) -> float:
    """Unix seconds of an RFC 3339 time, with or without a fraction; *otherwise* for what is none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return otherwise
