"""What stands before the pages: who may ask, how often, how many at once, and the headers of every reply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from csr_exporter.web.config import InForce, Users, credentials_in
from csr_exporter.web.headers import SECURITY_HEADERS

PART = 256 * 1024
"""Bytes of a reply that are sent at once."""

MOST_BODY = 64 * 1024
"""Bytes of the body of a request. No page reads any; some clients send one nevertheless."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much is done at once; who comes when all is taken is told to come again."""

    replies: int = 32
    """Requests being answered, until the last byte was taken: each may hold a rendered exposition."""
    passwords: int = 16
    """Passwords being verified or waiting for it. One is verified at a time: bcrypt takes a whole core."""


class Guard:
    """Lets requests through to *application* as the web configuration *in_force* says."""

    def __init__(self, application: ASGIApp, in_force: Callable[[], InForce], room: Room | None = None) -> None:
        self._application = application
        self._in_force = in_force
        room = room or Room()
        self._replies = _Places(room.replies)
        self._door = _Door(_Places(room.passwords))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        in_force = self._in_force()
        send = _with_headers(send, in_force.headers)
        refusal = _too_large(scope) or _too_often(in_force) or await self._door.refusal(scope, in_force.users)
        if refusal is not None:
            await refusal(scope, receive, send)
        elif not self._replies.take():
            await _busy()(scope, receive, send)
        else:
            try:
                await self._application(scope, receive, _until_taken(send))
            finally:
                self._replies.give_back()


def _with_headers(send: Send, configured: Mapping[str, str]) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.update(configured)
        await send(message)

    return wrapped


def _until_taken(send: Send) -> Send:
    """A *send* that gives a reply in parts, each of which uvicorn holds back until those before it went out.

    Of a whole reply it would take no notice whether the client reads it, and under TLS not even of two halves.
    """

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            for start in range(0, len(body), PART):
                await send({**message, "body": body[start : start + PART], "more_body": True})
            message = {**message, "body": b""}
        await send(message)

    return wrapped


def _too_large(scope: Scope) -> Response | None:
    headers = Headers(scope=scope)
    length = headers.get("Content-Length", "0")
    if "Transfer-Encoding" not in headers and int(length) <= MOST_BODY:  # h11 has seen to it that it is a number
        return None
    return _refusal(413, "No page here takes such a body.", {})


def _too_often(in_force: InForce) -> Response | None:
    return None if in_force.bucket.take() else _refusal(429, "Too many requests.", {"Retry-After": "1"})


def _busy() -> Response:
    return _refusal(503, "Too many requests at once.", {"Retry-After": "1"})


def _refusal(status: int, why: str, headers: Mapping[str, str]) -> Response:
    return PlainTextResponse(f"{why}\n", status, dict(headers))


class _Places:
    """A bounded number of places; all who come and go do so on the event loop."""

    def __init__(self, number: int) -> None:
        self._free = number

    def take(self) -> bool:
        if not self._free:
            return False
        self._free -= 1
        return True

    def give_back(self) -> None:
        self._free += 1


class _Door:
    """Basic authentication."""

    def __init__(self, places: _Places) -> None:
        self._places = places
        self._one_at_a_time = CapacityLimiter(1)

    async def refusal(self, scope: Scope, users: Users) -> Response | None:
        """Why the request in *scope* may not pass, if it may not."""
        if not users:
            return None
        given = credentials_in(Headers(scope=scope).get("Authorization", "").encode("latin-1"))
        if given is None:
            return _unauthorized()
        if users.remembers(*given):
            return None
        return await self._verified(users, *given)

    async def _verified(self, users: Users, user: str, password: bytes) -> Response | None:
        if not self._places.take():
            return _busy()
        try:
            right = await to_thread.run_sync(users.verify, user, password, limiter=self._one_at_a_time)
        finally:
            self._places.give_back()
        return None if right else _unauthorized()


def _unauthorized() -> Response:
    return _refusal(401, "Unauthorized", {"WWW-Authenticate": 'Basic realm="csr-exporter", charset="UTF-8"'})
