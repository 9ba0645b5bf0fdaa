"""A connection: uvicorn's HTTP/1.1 with limits on how long a client may take, and on how many connections are open."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable
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
    handshakes: int = 128
    """Of these connections, those in a TLS handshake, which takes milliseconds and up to 500 kB."""
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
    """The open connections of all listeners. Beyond the limits, one that is owed no reply is dropped."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self.silent: dict[Handshake, None] = {}
        self.handshakes: dict[Handshake, None] = {}
        self.established: dict[Connection, None] = {}
        self.opened = asyncio.Event()  # set while there may be any

    def make_room(self, newcomer: Handshake | Connection) -> None:
        """If there are too many, drop another: the oldest that sent nothing, the oldest handshake, or an idle one."""
        self.opened.set()
        silent = (each for each in self.silent if each is not newcomer)
        unfinished = (each for each in self.handshakes if each is not newcomer)
        idle = (each for each in self.established if each.idle and each is not newcomer)
        if len(self.handshakes) > self._limits.handshakes:
            next(unfinished).drop()
        elif len(self.silent) + len(self.handshakes) + len(self.established) > self._limits.connections:
            (next(silent, None) or next(unfinished, None) or next(idle, newcomer)).drop()

    def drop_unfinished(self) -> None:
        for each in [*self.silent, *self.handshakes]:
            each.drop()

    def drop_all(self) -> None:
        self.drop_unfinished()
        for each in list(self.established):
            each.drop()

    def drop_overdue(self, now: float) -> None:
        waited_for: list[Handshake | Connection] = [*self.silent, *self.established]
        for each in waited_for:
            if each.due < now:
                each.drop()
        if not waited_for and not self.handshakes:
            self.opened.clear()


class Handshake(asyncio.Protocol):
    """A connection until TLS is up on it; then one of *connect* takes over, if *tls* allows the client.

    `create_server` could do the handshake itself, but takes 400 kB for each client that connects and sends nothing, and
    gives no handle on it. Here TLS starts with the first bytes of the client.
    """

    def __init__(
        self, connect: Callable[[], Connection], tls: ServerTls, connections: Connections, limits: ConnectionLimits
    ) -> None:
        self._connect = connect
        self._tls = tls
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self.due = self._loop.time() + limits.request_seconds
        self._linger_seconds = limits.linger_seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_server makes
        self._transport = transport
        self._connections.silent[self] = None
        self._connections.make_room(self)

    def data_received(self, data: bytes) -> None:
        self._transport.pause_reading()
        self._connections.silent.pop(self, None)
        self._connections.handshakes[self] = None
        self._connections.make_room(self)
        self._task = self._loop.create_task(self._run(data))  # referenced, or it could be collected

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature of asyncio
        self._connections.silent.pop(self, None)
        self._connections.handshakes.pop(self, None)

    def drop(self) -> None:
        self._connections.silent.pop(self, None)
        self._connections.handshakes.pop(self, None)
        self._transport.abort()

    async def _run(self, hello: bytes) -> None:
        if self._transport.is_closing():  # dropped meanwhile; TLS on it would never be told so
            return
        early = _EarlyData()
        try:
            transport = await self._start_tls(hello, early)
        except OSError:  # the client is gone, too slow, or speaks no TLS that we accept
            return
        finally:
            self._connections.handshakes.pop(self, None)
        if transport is None:  # lost before the handshake was done
            return
        if not self._tls.allows(transport.get_extra_info("peercert")):
            transport.abort()
            return
        connection = self._connect()
        transport.set_protocol(connection)
        connection.connection_made(transport)
        if early.data:
            connection.data_received(early.data)

    async def _start_tls(self, hello: bytes, early: _EarlyData) -> asyncio.Transport | None:
        started = self._loop.create_task(
            self._loop.start_tls(
                self._transport,
                early,
                self._tls.context,
                server_side=True,
                ssl_handshake_timeout=max(0.01, self.due - self._loop.time()),
                ssl_shutdown_timeout=self._linger_seconds,
            )
        )
        await asyncio.sleep(0)  # start_tls has put its protocol in place of ours,
        await asyncio.sleep(0)  # and this has begun the handshake, for which we have read the first bytes already.
        protocol = self._transport.get_protocol()
        if isinstance(protocol, asyncio.BufferedProtocol) and not started.done():
            memoryview(protocol.get_buffer(len(hello)))[: len(hello)] = hello
            protocol.buffer_updated(len(hello))
        return await started


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
        self._all = connections
        self._limits = limits
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
        self._all.established[self] = None
        self._all.make_room(self)

    def drop(self) -> None:
        """End the connection at once, whatever is under way."""
        self._all.established.pop(self, None)  # now, because the transport reports its loss only later
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.established.pop(self, None)
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
        self._request_due = min(self._request_due, self.loop.time() + self._limits.request_seconds)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._expect_request()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reply_due = self.loop.time() + self._limits.reply_seconds

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
        self.loop.call_later(self._limits.linger_seconds, self.transport.close)

    def _refusal(self, status: HTTPStatus) -> bytes:
        own = {"Content-Type": "text/plain; charset=utf-8", "Connection": "close", **SECURITY_HEADERS}
        lines = [f"HTTP/1.1 {status} {status.phrase}", *(f"{name}: {value}" for name, value in own.items())]
        lines += [f"{name.decode()}: {value.decode()}" for name, value in self.server_state.default_headers]
        return "\r\n".join([*lines, "", f"{status.phrase}\n"]).encode()
