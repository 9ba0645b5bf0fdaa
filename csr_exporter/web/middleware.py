"""Middleware in front of the pages: users, limits on concurrent requests, and the headers of every reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from anyio import CapacityLimiter, sleep, to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from csr_exporter.web.config import ActiveConfig, Users, credentials_in
from csr_exporter.web.replies import Replies

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
}
"""On every reply, unless the page or the web configuration has another value."""

PROBES = ("/-/healthy", "/-/ready")
"""The ends of paths whose requests are never refused for the number of others: they take no thread."""

LARGEST_BODY = 64 * 1024
"""Bytes of a request's body. No page reads any, but some clients send one."""

OPEN = ActiveConfig()


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How much is handled at once."""

    pending: int = 64
    """Requests without a reply yet, most of them waiting for a thread; further ones get 503."""
    reply_bytes: int = 64 * 2**20
    """Of replies that clients are reading; beyond that the slowest reader is dropped."""
    passwords: int = 16
    """Being verified or waiting for it. One is verified at a time: bcrypt takes a whole core."""
    attempts: int = 2
    """Passwords of one address, until their verdict was sent."""
    failure_seconds: float = 1.0
    """Before a wrong password gets its verdict, so that an address cannot keep bcrypt busy."""


class AccessMiddleware:
    """Lets requests through to *application* as the web configuration and *limits* allow."""

    def __init__(
        self,
        application: ASGIApp,
        config: Callable[[], ActiveConfig] = lambda: OPEN,
        limits: RequestLimits | None = None,
    ) -> None:
        self._application = application
        self._config = config
        self._limits = limits or RequestLimits()
        self._pending = 0
        self._replies = Replies(self._limits.reply_bytes)
        self._basic_auth = _BasicAuth(self._limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        config = self._config()
        scope, send = _origin_form(scope), _with_headers(send, config.headers)
        refusal = (
            _unknown_version(scope) or _body_too_large(scope) or await self._basic_auth.refusal(scope, config.users)
        )
        full = self._pending >= self._limits.pending and not scope["path"].endswith(PROBES)
        if refusal or full:
            await (refusal or _busy())(scope, receive, send)
            return
        self._pending += 1
        with ExitStack() as pending:
            pending.callback(self._begin_reply)

            async def send_reply(message: Message) -> None:
                pending.close()
                await self._replies.send(message, send, scope)

            await self._application(scope, receive, send_reply)

    def _begin_reply(self) -> None:
        self._pending -= 1


class _BasicAuth:
    """Refuses requests without the password of a user; a flood of wrong ones delays its own address, not others."""

    def __init__(self, limits: RequestLimits) -> None:
        self._limits = limits
        self._bcrypt = CapacityLimiter(1)
        self._waiting = 0
        self._attempts: Counter[str] = Counter()

    async def refusal(self, scope: Scope, users: Users) -> Response | None:
        if not users:
            return None
        credentials = credentials_in(Headers(scope=scope).get("Authorization", "").encode("latin-1"))
        if credentials is None:
            return _unauthorized()
        if users.remembers(*credentials):
            return None
        return await self._verified(_network(scope), users, *credentials)

    async def _verified(self, network: str, users: Users, user: str, password: bytes) -> Response | None:
        if self._waiting >= self._limits.passwords or self._attempts[network] >= self._limits.attempts:
            return _busy()
        self._attempts[network] += 1
        try:
            if await self._right(users, user, password):
                return None
            await sleep(self._limits.failure_seconds)
            return _unauthorized()
        finally:
            self._attempts.subtract([network])
            self._attempts += Counter()  # drops those at 0

    async def _right(self, users: Users, user: str, password: bytes) -> bool:
        self._waiting += 1  # at once: of many that come together, the limiter would count none yet
        try:
            return await to_thread.run_sync(users.verify, user, password, limiter=self._bcrypt)
        finally:
            self._waiting -= 1


def _network(scope: Scope) -> str:
    """Whose attempts count together: an IPv4 address, or the 2^64 IPv6 addresses that one client may have."""
    address = ip_address(scope["client"][0])
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address)


def _with_headers(send: Send, configured: Mapping[str, str]) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.update(configured)
        await send(message)

    return wrapped


def _origin_form(scope: Scope) -> Scope:
    """*scope* with ``/metrics`` as the path of ``GET http://host/metrics``, which servers must accept (RFC 9112)."""
    scheme, separator, rest = scope["path"].partition("://")
    if not separator or scheme.lower() not in {"http", "https"}:
        return scope
    return {**scope, "path": f"/{rest.partition('/')[2]}"}


def _unknown_version(scope: Scope) -> Response | None:
    known = scope["http_version"] in {"1.0", "1.1"}
    return None if known else _refusal(505, "Use HTTP/1.1.", {"Connection": "close"})


def _body_too_large(scope: Scope) -> Response | None:
    headers = Headers(scope=scope)
    length = int(headers.get("Content-Length", "0"))  # h11 refuses what is not a number
    if "Transfer-Encoding" not in headers and length <= LARGEST_BODY:
        return None
    return _refusal(413, "No page here takes such a body.")


def _unauthorized() -> Response:
    return _refusal(401, "Unauthorized", {"WWW-Authenticate": 'Basic realm="csr-exporter", charset="UTF-8"'})


def _busy() -> Response:
    return _refusal(503, "Too many requests at once.", {"Retry-After": "1"})


def _refusal(status: int, why: str, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{why}\n", status, headers)
