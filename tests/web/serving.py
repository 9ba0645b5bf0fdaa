"""A server of ours in a thread, and clients for it that behave and that do not."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from csr_exporter.web.config import ServerTls
from csr_exporter.web.connection import ConnectionLimits
from csr_exporter.web.server import Address, Listener, listen, serve_until

DEADLINE = 20.0
"""Seconds that anything may take; no test waits so long unless it fails."""

LOOPBACK = Address("127.0.0.1", 0)


@dataclass(frozen=True)
class Reply:
    """What was answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Served:
    """Listeners that are being served."""

    def __init__(self, listeners: Sequence[Listener], limits: ConnectionLimits) -> None:
        self.listeners = listeners
        self._limits = limits
        self._running = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="served", daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._running.wait(DEADLINE)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._running.set()
        await serve_until(self._stopping, self.listeners, self._limits)

    def begin_to_stop(self) -> None:
        with suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._stopping.set)

    def ended(self, seconds: float = DEADLINE) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def port(self) -> int:
        port: int = self.listeners[0].sockets[0].getsockname()[1]
        return port

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE)

    def get(
        self, path: str = "/", method: str = "GET", *, context: ssl.SSLContext | None = None, **headers: str
    ) -> Reply:
        with connected(self.port, context) as connection:
            return ask(connection, path, method, **headers)


@contextmanager
def connected(port: int, context: ssl.SSLContext | None = None) -> Iterator[http.client.HTTPConnection]:
    """A connection that is kept between requests, encrypted where there is a *context*."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    if context:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=DEADLINE, context=context)
    try:
        yield connection
    finally:
        connection.close()


def ask(connection: http.client.HTTPConnection, path: str = "/", method: str = "GET", **headers: str) -> Reply:
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    return Reply(response.status, response.headers, response.read())


@contextmanager
def served(
    application: ASGIApp,
    limits: ConnectionLimits | None = None,
    tls: Callable[[], ServerTls | None] = lambda: None,
    addresses: Sequence[Address] = (LOOPBACK,),
) -> Iterator[Served]:
    """*application* at *addresses* until the block ends."""
    with ExitStack() as sockets:
        opened = [sockets.enter_context(listen(each)) for each in addresses]
        server = Served([Listener(application, opened, tls)], limits or ConnectionLimits())
        server.start()
        try:
            yield server
        finally:
            server.begin_to_stop()
            assert server.ended()


class Watched:
    """*application*, with the number of its requests that have ended."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self.ended = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._application(scope, receive, send)
        finally:
            self.ended += 1


def rest_of(connection: socket.socket) -> bytes:
    """All that comes until the other side closes or resets the connection."""
    parts = []
    with suppress(ConnectionError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def status_in(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1])


def headers_in(reply: bytes) -> Mapping[str, str]:
    head, _, _ = reply.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    return {name.title(): value for name, _, value in (line.partition(": ") for line in lines)}
