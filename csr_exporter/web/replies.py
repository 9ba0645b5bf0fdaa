"""Replies on their way to clients: in chunks, and bounded by the bytes that are held for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from starlette.types import Message, Scope, Send

CHUNK = 64 * 1024
"""Bytes of a reply handed to uvicorn at once."""


class Replies:
    """The replies that clients are reading. Beyond *limit* bytes, the client that made no progress longest is dropped.

    A body counts once however many clients read it; each client also counts with what its transport may buffer.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._readers: dict[_Reader, None] = {}  # by their last progress, the longest ago first
        self._shared: Counter[int] = Counter()  # readers of each body, by its identity
        self._held = 0

    async def send(self, message: Message, send: Send, scope: Scope) -> None:
        """Send *message* in chunks, since uvicorn applies no back-pressure to a body sent whole."""
        body = message.get("body", b"")
        if not body:
            await send(message)
            return
        reader = _Reader(body, scope["state"]["drop"])
        self._add(reader)
        try:
            for start in range(0, len(body), CHUNK):
                await send({**message, "body": body[start : start + CHUNK], "more_body": True})
                if reader not in self._readers:  # dropped meanwhile
                    return
                self._readers[reader] = self._readers.pop(reader)
        finally:
            self._discard(reader)
        await send({**message, "body": b""})

    def _add(self, reader: _Reader) -> None:
        self._held += reader.buffered + (0 if self._shared[id(reader.body)] else len(reader.body))
        self._shared[id(reader.body)] += 1
        self._readers[reader] = None
        for slowest in [each for each in self._readers if each is not reader]:
            if self._held <= self._limit:
                return
            self._discard(slowest)
            slowest.drop()

    def _discard(self, reader: _Reader) -> None:
        if reader not in self._readers:
            return
        del self._readers[reader]
        self._shared[id(reader.body)] -= 1
        self._held -= reader.buffered
        if not self._shared[id(reader.body)]:
            del self._shared[id(reader.body)]
            self._held -= len(reader.body)


class _Reader:
    """A client, and the *body* it is sent; *drop* ends its connection."""

    def __init__(self, body: bytes, drop: Callable[[], None]) -> None:
        self.body = body
        self.drop = drop
        self.buffered = min(len(body), 2 * CHUNK)
