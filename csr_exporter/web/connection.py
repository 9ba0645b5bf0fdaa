"""One connection: HTTP/1.1 as uvicorn and h11 speak it, with limits to how long and how much a client may take."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from csr_exporter.web.headers import SECURITY_HEADERS


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server gives its clients."""

    connections: int = 8192
    request_seconds: float = 10.0
    """For a whole request, from connecting or from its first byte."""
    reply_seconds: float = 30.0
    """For taking the part of a reply that did not fit the buffers of the network at once."""
    idle_seconds: int = 120
    """Between two requests: longer than a usual scrape interval, or each scrape would connect anew."""
    linger_seconds: float = 1.0
    """For reading why a request was refused, before the connection goes."""
    header_bytes: int = 32 * 1024
    """For the request line and all headers of a request."""


class Connection(H11Protocol):
    """Refuses a client that is slow to ask or slow to take the answer, which uvicorn alone would wait for."""

    def __init__(self, limits: Limits, **wiring: Any) -> None:  # noqa: ANN401 - handed on
        super().__init__(**wiring)
        self._limits = limits
        self._request = _Deadline(self.loop, limits.request_seconds, self.drop)
        self._reply = _Deadline(self.loop, limits.reply_seconds, self.drop)
        self._refused = False

    @property
    def idle(self) -> bool:
        """Whether no reply is owed."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._request.start()
        if len(self.connections) > self._limits.connections:
            self._make_room()

    def _make_room(self) -> None:
        """Close a connection that waits for a request, be it this one, rather than refuse whoever comes with one."""
        others = (each for each in self.connections if isinstance(each, Connection) and each.idle)
        next((each for each in others if each is not self), self).drop()

    def drop(self) -> None:
        """End the connection at once, whatever is under way."""
        self.connections.discard(self)  # now, for the transport will be lost only later
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._request.stop()
        self._reply.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        if self.conn.their_state in {h11.IDLE, h11.SEND_BODY}:
            self._request.start()
        else:
            self._request.stop()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:  # the beginning of another request
            self._request.start()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reply.start()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._reply.stop()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the signature of uvicorn
        """Refuse what is not HTTP, with the status that h11 has for it; called while its error is handled."""
        error = sys.exception()
        hint = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else HTTPStatus.BAD_REQUEST
        self._refused = True
        self._request.stop()
        if self.conn.our_state is not h11.IDLE:  # it is in a body, and the reply is under way or was given
            self.drop()
            return
        self.transport.write(self._refusal(HTTPStatus(hint)))
        self._linger()

    def _refusal(self, status: HTTPStatus) -> bytes:
        body = f"{status.phrase}\n".encode()
        own = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body)), "Connection": "close"}
        headers = [(name.encode(), value.encode()) for name, value in {**own, **SECURITY_HEADERS}.items()]
        headers = [*self.server_state.default_headers, *headers]
        start = h11.Response(status_code=status, headers=headers, reason=status.phrase.encode())
        events = (start, h11.Data(data=body), h11.EndOfMessage())
        return b"".join(self.conn.send(event) or b"" for event in events)

    def _linger(self) -> None:
        """Close a little later: to close while a client still sends would take from it the reply that says why."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(self._limits.linger_seconds, self.transport.close)


class _Deadline:
    """Calls *missed* unless stopped within *seconds* of its start."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, missed: Callable[[], None]) -> None:
        self._loop = loop
        self._seconds = seconds
        self._missed = missed
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, unless begun."""
        self._timer = self._timer or self._loop.call_later(self._seconds, self._missed)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
