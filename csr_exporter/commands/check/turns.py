"""Credentials that several accounts have: tried by one account at a time, and by none after they were refused."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from csr_exporter.commands.check.report import Step, StepFailedError
from csr_exporter.config import AnyCredentials, PasswordCredentials


class Turns:
    """Gives accounts with equal credentials their turn, lest a wrong secret be sent once for each of them."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, threading.Lock] = {}
        self._refused: dict[Hashable, str] = {}

    @contextmanager
    def turn(self, credentials: AnyCredentials, account: str, seconds: float) -> Iterator[None]:
        """Wait up to *seconds* for the turn of *account*; to fail at the credentials in it is to fail for the others.

        Raises `StepFailedError` where that has happened.
        """
        secrets = _secrets(credentials)
        lock = self._locks.setdefault(secrets, threading.Lock())
        if not lock.acquire(timeout=max(0.0, seconds)):
            raise StepFailedError(Step.CREDENTIALS, "not sent: another account has them under way", _ADVICE)
        try:
            self._check(secrets)
            yield
        except StepFailedError as error:
            if error.finding.step is Step.CREDENTIALS:
                self._refused.setdefault(secrets, account)
            raise
        finally:
            lock.release()

    def _check(self, secrets: Hashable) -> None:
        if (other := self._refused.get(secrets)) is not None:
            raise StepFailedError(Step.CREDENTIALS, f"not sent: {other} has the same, which failed", _ADVICE)


_ADVICE = "see to the other account first"


def _secrets(credentials: AnyCredentials) -> Hashable:
    """What the service counts refusals of: a user has one password, whatever the token is for."""
    if isinstance(credentials, PasswordCredentials):
        return credentials.model_copy(update={"scope": None})
    return credentials
