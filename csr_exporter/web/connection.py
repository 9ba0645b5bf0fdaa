"""A connection: uvicorn's HTTP/1.1 with limits on how long a client may take, and on how many connections are open."""

from __future__ import annotations

import asyncio
import math
import sys
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from csr_exporter.web.config import ServerTls
from csr_exporter.web.middleware import SECURITY_HEADERS


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What clients may take of a server."""

    connections: int = 8192
    handshakes: int = 1024
    """Of these connections, those on which TLS is not up yet: each holds up to 100 kB, and takes milliseconds."""
    request_seconds: float = 10.0
    """For the TLS handshake, and for a whole request from connecting or from its first byte."""
    reply_seconds: float = 30.0
    """For reading the part of a reply that did not fit the network's buffers at once."""
    idle_seconds: int = 120
    """Between two requests. Longer than a usual scrape interval, or each scrape would have to connect."""
    linger_seconds: float = 1.0
    """For reading why a request was refused, before the connection is closed."""
    header_bytes: int = 32 * 1024
    """For the request line and all headers of a request."""


class Connections:
    """The open connections of all listeners. Beyond the limit, one that is owed no reply is dropped."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self.handshakes: dict[Handshake, None] = {}
        self.established: dict[Connection, None] = {}

    def make_room(self, newcomer: Handshake | Connection) -> None:
        """If there are too many, drop the oldest handshake, or else an idle connection, or else *newcomer*.

        Handshakes go first: a client that means it needs milliseconds for one.
        """
        handshakes = len(self.handshakes)
        if handshakes > self._limits.handshakes or handshakes + len(self.established) > self._limits.connections:
            unfinished = (each for each in self.handshakes if each is not newcomer)
            idle = (each for each in self.established if each.idle and each is not newcomer)
            (next(unfinished, None) or next(idle, newcomer)).drop()

    def drop_handshakes(self) -> None:
        for each in list(self.handshakes):
            each.drop()

    def drop_overdue(self, now: float) -> None:
        for each in [each for each in self.established if each.due < now]:
            each.drop()


class Handshake(asyncio.Protocol):
    """A connection until TLS is up on it, when *connection* takes over; a client that *tls* does not allow is dropped.

    `create_server` could do the handshake itself, but gives no handle on connections that have not finished it.
    """

    def __init__(self, connection: Connection, tls: ServerTls) -> None:
        self._connection = connection
        self._connections, self._limits = connection.all, connection.limits
        self._tls = tls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_server makes
        self._transport = transport
        self._connections.handshakes[self] = None
        self._connections.make_room(self)
        self._task = asyncio.get_running_loop().create_task(self._run())  # referenced, or it could be collected

    def drop(self) -> None:
        self._connections.handshakes.pop(self, None)
        self._transport.abort()

    async def _run(self) -> None:
        early = _EarlyData()
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._transport,
                early,
                self._tls.context,
                server_side=True,
                ssl_handshake_timeout=self._limits.request_seconds,
                ssl_shutdown_timeout=self._limits.linger_seconds,
            )
        except OSError:  # the client is gone, too slow, or speaks no TLS that we accept
            return
        finally:
            self._connections.handshakes.pop(self, None)
        if transport is None:  # lost before the handshake was done
            return
        if not self._tls.allows(transport.get_extra_info("peercert")):
            transport.abort()
            return
        transport.set_protocol(self._connection)
        self._connection.connection_made(transport)
        if early.data:
            self._connection.data_received(early.data)


class _EarlyData(asyncio.Protocol):
    """Keeps what a client sends right behind its handshake, until `start_tls` has returned."""

    data = b""

    def data_received(self, data: bytes) -> None:
        self.data += data


class Connection(H11Protocol):
    """uvicorn's HTTP/1.1, which alone would wait forever for a client that is slow to ask or to read the reply.

    uvicorn has no setting for these limits, and a protocol class of one's own is what its `Config` takes for such a
    case. Besides the methods that asyncio calls, this overrides two that are uvicorn's own:
    `on_response_complete`, since a pipelined request may begin there without `data_received` being called, and
    `send_400_response`, which answers 400 to everything, without our headers, and closes before it can be read.
    """

    def __init__(self, connections: Connections, limits: ConnectionLimits, **uvicorn: Any) -> None:  # noqa: ANN401 - handed on
        super().__init__(**uvicorn)
        self.all = connections
        self.limits = limits
        self._request_due = self._reply_due = math.inf
        self._refused = False

    @property
    def due(self) -> float:
        """When, by the clock of the event loop, the client must have sent its request or read the reply."""
        return min(self._request_due, self._reply_due)

    @property
    def idle(self) -> bool:
        """Whether no reply is owed."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._expect_request()
        self.all.established[self] = None
        self.all.make_room(self)

    def drop(self) -> None:
        """End the connection at once, whatever is under way."""
        self.all.established.pop(self, None)  # now, because the transport reports its loss only later
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.all.established.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        if self.conn.their_state in {h11.IDLE, h11.SEND_BODY}:
            self._expect_request()
        else:
            self._request_due = math.inf

    def _expect_request(self) -> None:
        self._request_due = min(self._request_due, self.loop.time() + self.limits.request_seconds)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._expect_request()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reply_due = self.loop.time() + self.limits.reply_seconds

    def resume_writing(self) -> None:
        super().resume_writing()
        self._reply_due = math.inf

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the signature of uvicorn
        """Answer the protocol error being handled with the status that h11 suggests, and close a little later."""
        error = sys.exception()
        hint = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else HTTPStatus.BAD_REQUEST
        self._refused = True
        self._request_due = math.inf
        if self.conn.our_state is not h11.IDLE:  # the error is in a body, and its reply has begun
            self.drop()
            return
        self.transport.write(self._refusal(HTTPStatus(hint)))
        # Closing while the client still sends would reset the connection and take the reply from it.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(self.limits.linger_seconds, self.transport.close)

    def _refusal(self, status: HTTPStatus) -> bytes:
        own = {"Content-Type": "text/plain; charset=utf-8", "Connection": "close", **SECURITY_HEADERS}
        lines = [f"HTTP/1.1 {status} {status.phrase}", *(f"{name}: {value}" for name, value in own.items())]
        lines += [f"{name.decode()}: {value.decode()}" for name, value in self.server_state.default_headers]
        return "\r\n".join([*lines, "", f"{status.phrase}\n"]).encode()
