"""Basic authentication with bcrypt, which is slow on purpose and so done once for each password."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping

import bcrypt

KEY = secrets.token_bytes(32)

LONGEST_PASSWORD = 72
"""Bytes. bcrypt sees no more; like every other implementation we ignore the rest."""


def credentials_in(authorization: bytes) -> tuple[str, bytes] | None:
    """User and password in the value of a header ``Authorization: Basic …`` (RFC 7617), if it holds them."""
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode(), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None


class Users:
    """Those who may read, and the password that each was last seen to have, as a keyed hash of it.

    Failures are not remembered: each costs its bcrypt, whether the user exists or not. *seen* is what is remembered,
    and outlives a change of the users: a password stays remembered for as long as its bcrypt hash is the same.
    """

    def __init__(self, hashes: Mapping[str, str], seen: dict[str, bytes] | None = None) -> None:
        self._hashes = {user: each.encode() for user, each in hashes.items()}
        self._seen = {} if seen is None else seen

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def remembers(self, user: str, password: bytes) -> bool:
        """Whether *password* is what *user* was last let in with. Takes microseconds."""
        return user in self._hashes and hmac.compare_digest(self._seen.get(user, b""), self._digest(user, password))

    def verify(self, user: str, password: bytes) -> bool:
        """Whether *password* is that of *user*. Takes what bcrypt takes, tens of milliseconds or more."""
        right = _matches(password, self._hashes.get(user) or self._decoy(user)) and user in self._hashes
        if right:
            self._seen[user] = self._digest(user, password)
        return right

    def _digest(self, user: str, password: bytes) -> bytes:
        return hmac.digest(KEY, self._hashes[user] + password, "sha256")

    def _decoy(self, user: str) -> bytes:
        """A hash for an unknown *user*, always the same one, so that its cost tells no more than a known user's."""
        hashes = list(self._hashes.values())
        return hashes[int.from_bytes(hmac.digest(KEY, user.encode(), "sha256")) % len(hashes)]


def _matches(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password[:LONGEST_PASSWORD], hashed)
    except ValueError:  # what older versions of bcrypt say to a NUL in a password
        return False
