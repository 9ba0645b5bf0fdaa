"""Credentials that end: kept while they are good, renewed before their end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

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


class Leased(Generic[T]):
    """Holds a lease of *obtain*, which raises `SourceError`; after a failed renewal it waits *pause* seconds."""

    def __init__(self, obtain: Callable[[float], Lease[T]], pause: float) -> None:
        self._obtain = obtain
        self._pause = pause
        self._lease: Lease[T] | None = None
        self._not_before = 0.0
        self._obtained = 0

    @property
    def expires_at(self) -> float | None:
        return self._lease.expires_at if self._lease else None

    @property
    def renewals(self) -> int:
        return max(0, self._obtained - 1)

    def drop(self) -> None:
        """Forget what is held: it was refused."""
        self._lease = None

    def current(self) -> T:
        """What is good now. Raises `SourceError`."""
        now = time.time()
        if self._lease is None or now >= self._lease.expires_at:
            self._lease = self._obtain_one(now)
        elif self._lease.worth_renewing(now) and now >= self._not_before:
            self._renew(now)
        return self._lease.value

    def _renew(self, now: float) -> None:
        """The old one serves while it is good and no new one is to be had."""
        try:
            self._lease = self._obtain_one(now)
        except SourceError:
            self._not_before = now + self._pause

    def _obtain_one(self, now: float) -> Lease[T]:
        lease = self._obtain(now)
        self._obtained += 1
        return lease


def moment(text: object, otherwise: float) -> float:
    """Unix seconds of an RFC 3339 time, with or without a fraction; *otherwise* for what is none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return otherwise
