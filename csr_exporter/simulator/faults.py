"""Faults to inject while the simulator runs, and those in effect."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Service = Literal["scm", "iam", "metadata"]


@dataclass(frozen=True, slots=True)
class Status:
    """A reply with *status* and the usual body of that status, or *body*.

    *retry_after* is in seconds, and is sent as such or as a date that far ahead.
    """

    status: int
    retry_after: float | None = None
    as_date: bool = False
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """A delay of *seconds* before whatever comes next."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Break:
    """No complete reply. The connection hangs, is reset (RST) or is closed (FIN); in the body or before the headers."""

    by: Literal["hang", "reset", "close"]
    in_body: bool = False


@dataclass(frozen=True, slots=True)
class Throttle:
    """Status 429 for requests above a rate, with *retry_after* seconds if given."""

    per_second: float
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Mutation:
    """Each page request first changes the list: one record more, one less, or one moved to another place."""

    change: Literal["add", "remove", "reorder"]


@dataclass(frozen=True, slots=True)
class RawReply:
    """Exactly these headers and *body* times *repeat*, whether or not they make sense; then the connection closes.

    ``Content-Length`` is added where the headers have neither that nor ``Transfer-Encoding``.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    body: bytes = b""
    repeat: int = 1


@dataclass(frozen=True, slots=True)
class ExpireTokens:
    """Expires all current tokens, once, when injected."""


Effect = Status | Latency | Break | Throttle | Mutation | RawReply | ExpireTokens

_LAST = (Status, Break, RawReply)
"""Effects after which nothing else can happen to a request."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An effect, and when it strikes: which *service*, how many *requests*, what *share* of them, for how long.

    None means any service, any number, until cleared. *seconds* is by the clock of the simulated cloud. *share* is
    drawn at random, but the same way in every run.
    """

    effect: Effect
    service: Service | None = None
    requests: int | None = None
    share: float = 1.0
    seconds: float | None = None


def outage(seconds: float) -> Fault:
    """Every connection is closed without a reply, for *seconds*."""
    return Fault(Break("close"), seconds=seconds)


@dataclass(slots=True)
class _Injected:
    """A fault in effect, with what is left of it."""

    account: str | None
    fault: Fault
    injected_at: float
    remaining: int | None
    admitted: deque[float] = field(default_factory=deque)

    def over(self, now: float) -> bool:
        seconds = self.fault.seconds
        return self.remaining == 0 or (seconds is not None and now >= self.injected_at + seconds)

    def concerns(self, account: str, service: str) -> bool:
        return self.account in {None, account} and self.fault.service in {None, service}

    def effect(self, now: float) -> Effect | None:
        """What happens to a request at *now*; a throttle does nothing to requests within its rate."""
        if isinstance(self.fault.effect, Throttle):
            return _throttled(self.fault.effect, self.admitted, now)
        return self.fault.effect


def _throttled(throttle: Throttle, admitted: deque[float], now: float) -> Status | None:
    """Counts over one second, or over the longer time that one request may take."""
    window = max(1.0, 1 / throttle.per_second)
    while admitted and admitted[0] <= now - window:
        admitted.popleft()
    if len(admitted) >= max(1, int(throttle.per_second)):
        return Status(429, retry_after=throttle.retry_after)
    admitted.append(now)
    return None


class Faults:
    """All faults in effect. The lock is for tests, which inject from a thread of their own while the server reads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._injected: list[_Injected] = []
        self._random = random.Random("faults")  # noqa: S311 - repeatable chance, nothing secret
        self._lock = threading.Lock()

    def inject(self, account: str | None, fault: Fault) -> None:
        """Let *fault* strike *account*, or any request, from now on."""
        with self._lock:
            self._injected.append(_Injected(account, fault, self._clock(), fault.requests))

    def clear(self, account: str | None) -> None:
        """End the faults injected for *account*, or all."""
        with self._lock:
            self._injected = [each for each in self._injected if account not in {None, each.account}]

    def in_effect(self) -> list[tuple[str | None, Fault]]:
        with self._lock:
            self._forget(self._clock())
            return [(each.account, each.fault) for each in self._injected]

    def strike(self, account: str, service: str) -> list[Effect]:
        """What happens to a request, in the order the faults were injected, up to the one that ends it."""
        now = self._clock()
        effects: list[Effect] = []
        with self._lock:
            self._forget(now)
            for each in self._injected:
                if (effect := self._draw(each, account, service, now)) is None:
                    continue
                effects.append(effect)
                if isinstance(effect, _LAST):
                    break
        return effects

    def _draw(self, each: _Injected, account: str, service: str, now: float) -> Effect | None:
        if not each.concerns(account, service) or self._random.random() >= each.fault.share:
            return None
        effect = each.effect(now)
        if effect is not None and each.remaining is not None:
            each.remaining -= 1
        return effect

    def _forget(self, now: float) -> None:
        self._injected = [each for each in self._injected if not each.over(now)]
