"""Verification of AK/SK signatures, algorithm SDK-HMAC-SHA256.

Source: "API Request Signing Guide", chapter "AK/SK Signing and Authentication Algorithm", whose published example is
among the tests. A signature is the HMAC, keyed by the secret key itself, over a digest of the canonical request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from csr_exporter.simulator.messages import Call

ALGORITHM = "SDK-HMAC-SHA256"
MAX_SKEW_SECONDS = 15 * 60
_DATE_FORMAT = "%Y%m%dT%H%M%SZ"
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Access=(?P<access>[^,\s]+), SignedHeaders=(?P<headers>[^,\s]+), Signature=(?P<signature>[0-9a-f]+)"
)


class SignatureError(Exception):
    """The signature does not hold; the message is the gateway's."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """What the header of that name says."""

    access_key: str
    signed_headers: tuple[str, ...]
    signature: str


def read_authorization(header: str) -> Authorization:
    """Raises `SignatureError` for anything but the exact form."""
    found = _AUTHORIZATION.fullmatch(header)
    if not found:
        raise SignatureError("signature string format error")
    return Authorization(found["access"], tuple(found["headers"].split(";")), found["signature"])


def verify(call: Call, authorization: Authorization, secret_key: str) -> None:
    """Raises `SignatureError` when *secret_key* did not sign this very request within the last or next 15 minutes."""
    if "x-sdk-date" not in authorization.signed_headers:
        raise SignatureError("x-sdk-date must be a signed header")
    if any(name not in call.headers for name in authorization.signed_headers):
        raise SignatureError("signed header not found in the request")
    _check_date(call.headers["x-sdk-date"], call.now)
    expected = sign(call, authorization.signed_headers, secret_key)
    if not hmac.compare_digest(expected, authorization.signature):
        raise SignatureError("verify aksk signature fail")


def sign(call: Call, signed_headers: Sequence[str], secret_key: str) -> str:
    """The signature of *call* as 64 hex digits."""
    digest = hashlib.sha256(canonical_request(call, signed_headers)).hexdigest()
    to_sign = f"{ALGORITHM}\n{call.headers['x-sdk-date']}\n{digest}"
    return hmac.new(secret_key.encode(), to_sign.encode("latin-1"), hashlib.sha256).hexdigest()


def canonical_request(call: Call, signed_headers: Sequence[str]) -> bytes:
    """Method, path, query, headers, their names, and the digest of the body; one after the other on lines.

    Everything but header values is ASCII, and those are bytes read as ISO 8859-1, so encoding by it restores them.
    """
    headers = "".join(f"{name}:{call.headers[name].strip()}\n" for name in signed_headers)
    parts = (
        call.method.upper(),
        _canonical_path(call.path),
        _canonical_query(call),
        headers,
        ";".join(signed_headers),
        hashlib.sha256(call.body).hexdigest(),
    )
    return "\n".join(parts).encode("latin-1")


def _canonical_path(path: str) -> str:
    """Each segment decoded and encoded again; always with a slash at the end, which the request itself lacks."""
    encoded = "/".join(_encode(unquote(segment)) for segment in path.split("/"))
    return encoded if encoded.endswith("/") else f"{encoded}/"


def _canonical_query(call: Call) -> str:
    """Sorted by name, then by value; an empty value keeps its equals sign."""
    return "&".join(f"{_encode(name)}={_encode(value)}" for name, value in sorted(call.parameters))


def _encode(text: str) -> str:
    return quote(text, safe="~")


def _check_date(text: str, now: float) -> None:
    try:
        signed_at = datetime.strptime(text, _DATE_FORMAT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise SignatureError("x-sdk-date format error") from None
    if abs(now - signed_at) > MAX_SKEW_SECONDS:
        raise SignatureError("the request signature expired: x-sdk-date differs by more than 15 minutes")
