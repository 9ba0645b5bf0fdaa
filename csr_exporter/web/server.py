"""Serve applications on sockets until a signal says stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import uvicorn
from anyio import to_thread
from starlette.types import ASGIApp

from csr_exporter.web.config import ServerTls
from csr_exporter.web.connection import Connection, ConnectionLimits, Connections, Handshake

GRACE = 3
"""Seconds that requests in flight have to finish once the server is told to stop."""

THREADS = 4
"""Pages rendered at once. They share one core, and each holds an exposition in memory."""

BACKLOG = 2048
"""Connections that the kernel accepts before we get to them."""

MOST_CONNECTIONS = 16_384
"""Open at once, some tens of kilobytes each."""

RESERVE = 256
"""Descriptors kept free for polls and files."""

TICK = 1.0
"""Seconds between two looks for clients that are overdue, and between two values of the header ``Date``."""


class AddressError(Exception):
    """We cannot listen on an address; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen. An empty host means all addresses of the machine, port 0 any free port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``host:port``, ``:port`` or ``[host]:port``. Raises `AddressError`."""
        host, colon, port = text.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        bracketed = host.startswith("[") and host.endswith("]")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535 or (":" in host) != bracketed:  # noqa: PLR2004 - the last port there is
            raise AddressError(f"{text}: expected an address such as :10065, 127.0.0.1:10065 or [::1]:10065")
        return cls(bare, int(port))


def listen(address: Address) -> socket.socket:
    """A socket that listens on *address*. Raises `AddressError`."""
    everywhere = address.host in {"", "::"}  # IPv4 too, as in Go, in which Prometheus and its exporters are written
    dualstack = everywhere and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if ":" in address.host or dualstack else socket.AF_INET
    try:
        listener = socket.create_server(
            (address.host, address.port), family=family, backlog=BACKLOG, dualstack_ipv6=dualstack
        )
    except OSError as error:
        raise AddressError(
            f"{address.host}:{address.port}: cannot listen: {os.strerror(error.errno) if error.errno else error}"
        ) from None
    # Connections inherit it. asyncio sets it only where a socket names its protocol, which `create_server` does not.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url(listener: socket.socket, scheme: str = "http") -> str:
    """The address that *listener* listens on."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


@dataclass(frozen=True, slots=True)
class Listener:
    """An application and the sockets it takes connections on."""

    application: ASGIApp
    sockets: Sequence[socket.socket]
    tls: Callable[[], ServerTls | None] = lambda: None
    """What a connection that comes now is encrypted with; always something, or always nothing."""

    @property
    def urls(self) -> Sequence[str]:
        return [url(each, "https" if self.tls() else "http") for each in self.sockets]


def allow_connections() -> int:
    """Raise the limit of descriptors as far as allowed; return how many connections that leaves room for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # some systems have a lower limit than they report
        hard = soft
    return MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else max(1, min(hard - RESERVE, MOST_CONNECTIONS))


def serve(listeners: Sequence[Listener], started: Callable[[], None], reload: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; call *started* once connections are taken, and *reload* at each SIGHUP.

    Signals that were blocked until now arrive then.
    """
    asyncio.run(_serve_until_signalled(listeners, started, reload))


async def _serve_until_signalled(
    listeners: Sequence[Listener], started: Callable[[], None], reload: Callable[[], None]
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    # Off the event loop: reading files and starting polls must not delay a scrape.
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(None, reload))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    started()
    await serve_until(stopping, listeners, ConnectionLimits(connections=allow_connections()))


async def serve_until(stopping: asyncio.Event, listeners: Sequence[Listener], limits: ConnectionLimits) -> None:
    """Serve *listeners* until *stopping* is set; then finish requests in flight within `GRACE` seconds."""
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    connections = Connections(limits)
    async with asyncio.TaskGroup() as group:
        for listener in listeners:
            group.create_task(_Server(listener, stopping, limits, connections).serve(list(listener.sockets)))


class _Server(uvicorn.Server):
    """uvicorn with our connections, which is why it overrides `startup`, a slower tick, and no handling of signals.

    uvicorn would raise a signal anew at the end, and then exit with its number instead of 0.
    """

    def __init__(
        self, listener: Listener, stopping: asyncio.Event, limits: ConnectionLimits, connections: Connections
    ) -> None:
        super().__init__(
            uvicorn.Config(
                listener.application,
                loop="asyncio",
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                proxy_headers=False,
                headers=[("Server", "csr-exporter")],  # no version, and not what we are built on
                timeout_keep_alive=limits.idle_seconds,
                timeout_graceful_shutdown=GRACE + 1,  # it logs a traceback for each request that it cancels then
                h11_max_incomplete_event_size=limits.header_bytes,
            )
        )
        self._listener = listener
        self._stopping = stopping
        self._limits = limits
        self._connections = connections

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.servers = [await loop.create_server(self._accept, sock=each, backlog=BACKLOG) for each in sockets or ()]
        self.started = True

    def _accept(self) -> asyncio.Protocol:
        tls = self._listener.tls()
        return Handshake(self._connect, tls, self._connections, self._limits) if tls else self._connect()

    def _connect(self) -> Connection:
        state: dict[str, object] = {}  # which uvicorn copies into the scope of each request
        connection = Connection(
            self._connections, self._limits, config=self.config, server_state=self.server_state, app_state=state
        )
        state["drop"] = connection.drop
        return connection

    async def main_loop(self) -> None:
        """Wait to be stopped. That of uvicorn looks ten times a second: most of what an idle exporter takes."""
        async with asyncio.TaskGroup() as group:
            ticking = group.create_task(self._tick())
            await self._stopping.wait()
            ticking.cancel()

    async def _tick(self) -> None:
        await self.on_tick(0)
        while await self._connections.opened.wait():
            await self.on_tick(0)
            self._connections.drop_overdue(asyncio.get_running_loop().time())
            await asyncio.sleep(TICK)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._connections.drop_unfinished()
        asyncio.get_running_loop().call_later(GRACE, self._connections.drop_all)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
