"""The credential of an account: given once and for all, or leased, shared and renewed before it expires."""

from __future__ import annotations

import hashlib
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable
from dataclasses import astuple, dataclass, field
from weakref import WeakValueDictionary

from csr_exporter.cloud.auth.signing import Credential
from csr_exporter.inventory import Reason, SourceError

KEY_PAUSE = 300.0
"""Seconds to wait after a refusal: more than five in a row lock a key for as long (API Request Signing Guide)."""

PASSWORD_PAUSE = 900.0
"""Seconds to wait after IAM refused a password: failures within 15 minutes or more add up to a lock (login policy)."""

RENEW_BEFORE = 3600.0
"""Seconds before it expires that a token of 24 hours is renewed."""

AT_LEAST = 450.0
"""Seconds within which a poll does not ask for another one, even if it is said to have expired: half of the shortest
life there is. The issuer's clock may be wrong, or ours.
"""

REFUSALS = (Reason.UNAUTHORIZED, Reason.FORBIDDEN)
"""How IAM says that it does not take the secrets it was given."""


class Auth(ABC):
    """The credential of an account.

    *pause* is how many seconds to wait after a refusal that renewing does not cure: asking on would lock the key or
    the user. *secrets* are what the credential is made or obtained from. *expires_at*, in Unix seconds, and *renewals*
    are None for a credential that is never renewed.
    """

    pause = KEY_PAUSE

    def __init__(self, secrets: Callable[[], Iterable[object]]) -> None:
        self._secrets = secrets

    @property
    def expires_at(self) -> float | None:
        return None

    @property
    def renewals(self) -> int | None:
        return None

    @abstractmethod
    def credential(self) -> Credential:
        """What to sign with now. Raises `SourceError`."""

    def start(self) -> None:  # noqa: B027 - nothing, for those that obtain none
        """Begin a poll."""

    def renew(self, refused: Credential) -> bool:  # noqa: ARG002 - for those that can
        """Give up the *refused* credential; whether there may be another."""
        return False

    def fingerprint(self) -> bytes:
        """Changes when the secrets do, or the reason why they cannot be read; tells nothing of them."""
        try:
            return hashlib.sha256(repr(list(self._secrets())).encode()).digest()
        except SourceError as error:
            return error.detail.encode()


class GivenAuth(Auth):
    """A credential that *read* finds ready-made. It is read for each request, so a change takes effect at once."""

    def __init__(self, read: Callable[[], Credential]) -> None:
        super().__init__(lambda: astuple(read()))
        self._read = read

    def credential(self) -> Credential:
        return self._read()


@dataclass(frozen=True, slots=True)
class Lease:
    """A credential for a time, in Unix seconds."""

    credential: Credential
    issued_at: float
    expires_at: float

    def due(self, now: float) -> bool:
        """Whether to renew it: in its last hour, or in its last quarter if that is shorter."""
        return self.expires_at - now < min(RENEW_BEFORE, (self.expires_at - self.issued_at) / 4)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nobody may ask again with the *secrets* of that fingerprint for *pause* seconds.

    *since* are Unix seconds. A clock that was set back to before then ends the pause.
    """

    reason: Reason
    detail: str
    secrets: bytes
    since: float
    pause: float

    def holds(self, now: float) -> bool:
        return self.since <= now < self.since + self.pause

    def error(self, now: float) -> SourceError:
        return SourceError(self.reason, self.detail, pause=max(0.0, self.since + self.pause - now))


@dataclass
class SharedLease:
    """The lease of all accounts that have the same credentials, and what happened to it; *lock* guards the rest."""

    now: Callable[[], float] = time.time
    lock: threading.Lock = field(default_factory=threading.Lock)  # accounts are polled side by side
    lease: Lease | None = None
    refusal: Refusal | None = None
    not_before: float = 0.0
    issued: int = 0


class Leases:
    """Gives accounts with equal credentials one `SharedLease`, for as long as one of them uses it."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._shared: WeakValueDictionary[Hashable, SharedLease] = WeakValueDictionary()

    def shared(self, credentials: Hashable) -> SharedLease:
        """The lease for *credentials*, which include the way to the issuer.

        A refusal is forgotten: an account that is configured anew may try once.
        """
        shared = self._shared.setdefault(credentials, SharedLease(self._now))
        shared.refusal = None
        return shared


class LeasedAuth(Auth):
    """A credential that *issue* obtains, given the present; it raises `SourceError`.

    One account renews for all that share the lease; the others wait, no longer than a poll. After the issuer refused,
    none of them asks with the same secrets for *pause* seconds: together they would lock the user.
    """

    def __init__(
        self,
        issue: Callable[[float], Lease],
        secrets: Callable[[], Iterable[object]],
        shared: SharedLease,
        pause: float = KEY_PAUSE,
    ) -> None:
        super().__init__(secrets)
        self._issue = issue
        self._shared = shared
        self.pause = pause
        self._fresh: Lease | None = None  # what this poll obtained

    @property
    def expires_at(self) -> float | None:
        lease = self._shared.lease
        return lease.expires_at if lease else None

    @property
    def renewals(self) -> int:
        return max(0, self._shared.issued - 1)

    def start(self) -> None:
        self._fresh = None

    def credential(self) -> Credential:
        with self._shared.lock:
            return self._current(self._shared.now()).credential

    def renew(self, refused: Credential) -> bool:
        """What another account has renewed since then stays."""
        shared = self._shared
        with shared.lock:
            if shared.lease and shared.lease.credential is refused:
                shared.lease = None
        return True

    def _current(self, now: float) -> Lease:
        shared, lease = self._shared, self._shared.lease
        if lease is not None and lease is self._fresh and now < lease.issued_at + AT_LEAST:
            return lease
        if lease is None or now >= lease.expires_at:
            return self._renewed(now)
        if lease.due(now) and now >= shared.not_before:
            try:
                return self._renewed(now)
            except SourceError:
                shared.not_before = now + self.pause  # the old one serves until it expires
        return lease

    def _renewed(self, now: float) -> Lease:
        shared, secrets = self._shared, self.fingerprint()
        if shared.refusal and shared.refusal.secrets == secrets and shared.refusal.holds(now):
            raise shared.refusal.error(now)
        try:
            shared.lease = self._fresh = lease = self._issue(now)
        except SourceError as error:
            pause = self.pause if error.reason in REFUSALS else error.pause
            shared.refusal = Refusal(error.reason, error.detail, secrets, now, pause)
            raise shared.refusal.error(now) from error
        shared.issued += 1
        return lease
