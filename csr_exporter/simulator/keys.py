"""Valid access keys and tokens, and the lockout after failed attempts."""

from __future__ import annotations

import base64
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from csr_exporter.simulator.account import SimulatedAccount

_TOKEN_BYTES = 1800  # real tokens have thousands of characters


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key pair; `security_token` and `expires_at` for a temporary one."""

    account: str
    access: str
    secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A token; `expires_at` None means it holds until it is revoked. One without scope is for IAM only."""

    account: str
    value: str = field(repr=False)
    issued_at: float
    expires_at: float | None
    scoped: bool = True

    def expired(self, now: float) -> bool:
        return self.expires_at is not None and now >= self.expires_at


class KeyRing:
    """The access keys the gateway knows."""

    def __init__(self, accounts: Iterable[SimulatedAccount]) -> None:
        self._keys = {a.access_key: IssuedKey(a.name, a.access_key, a.secret_key, a.security_token) for a in accounts}

    def find(self, access: str) -> IssuedKey | None:
        return self._keys.get(access)

    def issue(self, account: str, now: float, seconds: float) -> IssuedKey:
        """A temporary key, with its security token; those issued before stay valid."""
        access = "HST" + secrets.token_hex(9)[:17].upper()
        key = IssuedKey(account, access, secrets.token_hex(20), _random_text(600), now + seconds)
        self._keys[access] = key
        return key


class Tokens:
    """The tokens the gateway knows: one per account that was issued elsewhere, and all that IAM issues here."""

    def __init__(self, accounts: Iterable[SimulatedAccount], now: float) -> None:
        self._tokens = {a.token: Token(a.name, a.token, now, None) for a in accounts}

    def find(self, value: str) -> Token | None:
        return self._tokens.get(value)

    def issue(self, account: SimulatedAccount, now: float, *, scoped: bool = True) -> Token:
        """A new token; those issued before stay valid."""
        value = f"MII{_random_text(_TOKEN_BYTES)}"
        token = Token(account.name, value, now, now + account.token_lifetime, scoped)
        self._tokens[value] = token
        return token

    def expire(self, account: str | None, now: float) -> None:
        """End all tokens of *account*, or of every account."""
        for value, token in list(self._tokens.items()):
            if account in {None, token.account} and not token.expired(now):
                self._tokens[value] = replace(token, expires_at=now)


class Lockout:
    """Locks a name after more than *allowed* failures in a row, for *seconds*.

    Source: "API Request Signing Guide", common errors: an AK is locked for five minutes after more than five.
    """

    def __init__(self, allowed: int, seconds: float) -> None:
        self._allowed = allowed
        self._seconds = seconds
        self._failures: Counter[str] = Counter()
        self._until: dict[str, float] = {}

    def locked(self, name: str, now: float) -> bool:
        return now < self._until.get(name, now)

    def failed(self, name: str, now: float) -> None:
        self._failures[name] += 1
        if self._failures[name] > self._allowed:
            self._until[name] = now + self._seconds
            del self._failures[name]

    def succeeded(self, name: str) -> None:
        del self._failures[name]


def _random_text(size: int) -> str:
    """*size* random bytes as base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(size)).decode()


def rfc3339(seconds: float) -> str:
    """As IAM writes times: UTC with microseconds, ``2020-01-04T09:05:22.701000Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
