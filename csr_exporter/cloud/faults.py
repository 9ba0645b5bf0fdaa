"""What a failed request means: exceptions and refusals as `SourceError`, in words that hold no secret."""

from __future__ import annotations

import http.client
from collections.abc import Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import requests
import urllib3
from requests import Response

from csr_exporter.cloud.replies import parse_json
from csr_exporter.inventory import Reason, SourceError
from csr_exporter.text import clean, mask

LONGEST_RETRY_AFTER = 600.0
"""Seconds. A service that asks for more is asked again after these."""

LONGEST_TEXT = 65_536
"""Bytes of a plain text that are looked at, before all but the first words of it are cut."""

_NO_HTTP = (
    http.client.HTTPException,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.DecodeError,
    urllib3.exceptions.InvalidHeader,
)


def fault(error: Exception, secrets: Iterable[str]) -> SourceError:
    """What an exception of `requests`, urllib3 or the socket means."""
    causes = list(_causes(error))
    return SourceError(_reason(causes), clean(_words(causes[-1], secrets)))


def _reason(causes: list[BaseException]) -> Reason:
    def any_is(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    # A connection that breaks is wrapped in the same kinds; only then there is a fault of the system behind it.
    if any_is(*_NO_HTTP) and not isinstance(causes[-1], OSError):
        return Reason.MALFORMED_REPLY
    if any_is(requests.exceptions.SSLError, urllib3.exceptions.SSLError):
        return Reason.TLS
    # urllib3 counts a refused connection and an unknown name among the time-outs.
    if any_is(urllib3.exceptions.NewConnectionError):
        return Reason.UNREACHABLE
    if any_is(requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
        return Reason.TIMEOUT
    return Reason.UNREACHABLE


def _causes(error: BaseException) -> Iterator[BaseException]:
    """*error* and what is wrapped in it: these libraries keep the cause as an argument or as ``reason``."""
    yield error
    nested = [getattr(error, "reason", None), *error.args]
    for each in nested:
        if isinstance(each, BaseException):
            yield from _causes(each)
            return
    if error.__cause__ is not None:
        yield from _causes(error.__cause__)


def _words(innermost: BaseException, secrets: Iterable[str]) -> str:
    if isinstance(innermost, OSError) and innermost.strerror:
        return innermost.strerror
    # The last words only: before a colon these libraries print addresses and objects.
    return mask(str(innermost), secrets).rsplit(": ", 1)[-1] or type(innermost).__name__


def refusal(response: Response, body: bytes, secrets: Iterable[str], now: float) -> SourceError:
    """What a status other than success means."""
    reason = _reason_of_status(response.status_code)
    words = " ".join(filter(None, (f"HTTP {response.status_code}", *_error_texts(body))))
    pause = _retry_after(response.headers, now) if reason in {Reason.THROTTLED, Reason.SERVER_ERROR} else 0.0
    return SourceError(reason, clean(mask(words, secrets)), pause=pause)


_REASONS = {401: Reason.UNAUTHORIZED, 403: Reason.FORBIDDEN, 404: Reason.NOT_FOUND, 429: Reason.THROTTLED}


def _reason_of_status(status: int) -> Reason:
    by_class = {4: Reason.BAD_REQUEST, 5: Reason.SERVER_ERROR}
    return _REASONS.get(status) or by_class.get(status // 100, Reason.MALFORMED_REPLY)


def _error_texts(body: bytes) -> Iterator[str]:
    """Code and message of an error, in the shapes of SCM, the gateway and IAM, or in plain words."""
    try:
        found: Any = parse_json(body)
    except ValueError:
        words = body[:LONGEST_TEXT].decode("utf-8", "replace").strip()
        if words and not words.startswith("<"):
            yield words
        return
    if isinstance(found, dict):
        nested = found.get("error")
        found = nested if isinstance(nested, dict) else found
        for names in (("error_code", "errorCode", "code"), ("error_msg", "errorMsg", "message")):
            yield from (str(found[name]) for name in names if isinstance(found.get(name), str | int))


def _retry_after(headers: Mapping[str, str], now: float) -> float:
    """Seconds to wait, from either form of the header; 0 where there is none that can be read (RFC 9110, 10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_RETRY_AFTER)
    return min(max(0.0, (http_date(text) or 0.0) - now), LONGEST_RETRY_AFTER)


@lru_cache(maxsize=64)  # all replies of a second have the same
def http_date(text: str) -> float | None:
    """Unix seconds of a date in a header; None where it is none."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
