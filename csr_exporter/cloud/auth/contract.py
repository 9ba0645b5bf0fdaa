"""What the kinds of credentials have in common."""

from __future__ import annotations

from abc import abstractmethod

from requests import PreparedRequest
from requests.auth import AuthBase

KEY_PAUSE = 300.0
"""Seconds to wait after a refusal: more than five in a row lock a key for as long (API Request Signing Guide)."""

PASSWORD_PAUSE = 900.0
"""Seconds to wait after IAM refused a password: failures within 15 minutes or more add up to a lock (login policy)."""


class Auth(AuthBase):
    """Authenticates requests to SCM.

    *pause* is how many seconds to wait after a refusal that renewing does not cure, lest the service lock the key or
    the user. Calling it raises `SourceError` where there are no credentials to be had. *expires_at*, in Unix seconds,
    and *renewals* are None where the kind has no expiry.
    """

    pause = KEY_PAUSE

    @property
    def expires_at(self) -> float | None:
        return None

    @property
    def renewals(self) -> int | None:
        return None

    @abstractmethod
    def __call__(self, request: PreparedRequest) -> PreparedRequest: ...

    def renew(self) -> bool:
        """Forget what was refused; whether there may be something newer to try."""
        return False

    def fingerprint(self) -> bytes:
        """Changes when the secrets do; tells nothing of them."""
        return b""
