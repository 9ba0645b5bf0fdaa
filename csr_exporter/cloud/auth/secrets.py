"""Reading secrets, and telling when they change without telling what they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from csr_exporter.config import Secret, SecretUnavailableError
from csr_exporter.inventory import Reason, SourceError


def read_token(secret: Secret) -> str:
    """A secret that goes into a header. Raises `SourceError`."""
    return fit_for_header(read_text(secret))


def read_text(secret: Secret) -> str:
    """A secret of any characters. Raises `SourceError`."""
    try:
        return secret.read()
    except SecretUnavailableError as error:
        raise unavailable(str(error)) from None


def fit_for_header(text: str) -> str:
    """*text*, if a header can carry it. Raises `SourceError`."""
    # The libraries below would quote the whole value in their error.
    if not all("!" <= character <= "~" for character in text):
        raise unavailable("a key or token has characters that a header cannot carry")
    return text


def unavailable(detail: str) -> SourceError:
    """That there are no credentials to be had, for the reason that *detail* says."""
    return SourceError(Reason.CREDENTIALS_UNAVAILABLE, detail)


def fingerprint(secrets: Callable[[], Iterable[object]]) -> bytes:
    """Changes when *secrets* do; where they cannot be read, when the reason does."""
    try:
        return hashlib.sha256(repr(list(secrets())).encode()).digest()
    except SourceError as error:
        return error.detail.encode()
