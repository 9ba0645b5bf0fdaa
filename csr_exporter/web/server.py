"""Serving applications on sockets until a signal says stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import uvicorn
from anyio import to_thread
from starlette.types import ASGIApp

from csr_exporter.web.connection import Connection, Limits

GRACE = 3
"""Seconds that requests in flight have to finish once the server is told to stop."""

THREADS = 4
"""Renderings at once. They share one core's worth of Python, and each holds an exposition in memory."""

BACKLOG = 2048
"""Connections that the system accepts for us before we get to them."""

MOST_CONNECTIONS = 16_384
"""Open at once, some tens of kilobytes each."""

RESERVE = 256
"""Descriptors kept free for polls and files."""

NAME = "csr-exporter"
"""What we say of ourselves in the header ``Server``: no version, and nothing of what we are made of."""


class AddressError(Exception):
    """An address cannot be listened on; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; an empty host means all addresses of the machine, port 0 any free port."""

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
    """A socket that takes connections at *address*. Raises `AddressError`."""
    everywhere = not address.host
    family = socket.AF_INET6 if ":" in address.host or (everywhere and socket.has_dualstack_ipv6()) else socket.AF_INET
    try:
        listener = socket.create_server(
            (address.host, address.port),
            family=family,
            backlog=BACKLOG,
            dualstack_ipv6=everywhere and family == socket.AF_INET6,
        )
    except OSError as error:
        raise AddressError(
            f"{address.host}:{address.port}: cannot listen: {os.strerror(error.errno) if error.errno else error}"
        ) from None
    # Connections inherit it; asyncio sets it only on those whose protocol is named, which `create_server` does not do.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url(listener: socket.socket, scheme: str = "http") -> str:
    """The address that *listener* takes connections at."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


@dataclass(frozen=True, slots=True)
class Site:
    """An application and where it takes connections: encrypted ones with a *context*, plain ones without."""

    application: ASGIApp
    listeners: Sequence[socket.socket]
    context: ssl.SSLContext | None = None

    @property
    def urls(self) -> Sequence[str]:
        return [url(each, "https" if self.context else "http") for each in self.listeners]


def allow_connections() -> int:
    """Raise the limit of descriptors as far as we may; the number of connections it then has room for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # some systems have a lower one that they do not tell
        hard = soft
    return MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else max(1, min(hard - RESERVE, MOST_CONNECTIONS))


def serve(sites: Sequence[Site], started: Callable[[], None], reload: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; call *started* once connections are taken, and *reload* at each SIGHUP."""
    asyncio.run(_until_signalled(sites, started, reload))


async def _until_signalled(sites: Sequence[Site], started: Callable[[], None], reload: Callable[[], None]) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    # Off the loop: reading files and starting polls must not hold up a scrape.
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(None, reload))
    started()
    await serve_until(stopping, sites, Limits(connections=allow_connections()))


async def serve_until(stopping: asyncio.Event, sites: Sequence[Site], limits: Limits) -> None:
    """Serve *sites* until *stopping* is set; then answer what is in flight within `GRACE` seconds."""
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    async with asyncio.TaskGroup() as group:
        for site in sites:
            group.create_task(_Server(site, stopping, limits).serve(list(site.listeners)))


class _Server(uvicorn.Server):
    """uvicorn with our connections, and without its handling of signals: it would raise them anew at the end."""

    def __init__(self, site: Site, stopping: asyncio.Event, limits: Limits) -> None:
        super().__init__(
            uvicorn.Config(
                site.application,
                http="h11",
                loop="asyncio",
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                proxy_headers=False,
                headers=[("Server", NAME)],
                timeout_keep_alive=limits.idle_seconds,
                timeout_graceful_shutdown=GRACE,
                h11_max_incomplete_event_size=limits.header_bytes,
            )
        )
        self._context = site.context
        self._stopping = stopping
        self._limits = limits

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections, which uvicorn alone would give a minute for the handshake of TLS and half for its end."""
        handshake, goodbye = (self._limits.request_seconds, 1.0) if self._context else (None, None)
        self.servers = [
            await asyncio.get_running_loop().create_server(
                self._connection,
                sock=each,
                backlog=BACKLOG,
                ssl=self._context,
                ssl_handshake_timeout=handshake,
                ssl_shutdown_timeout=goodbye,
            )
            for each in sockets or ()
        ]
        self.started = True

    def _connection(self) -> Connection:
        return Connection(self._limits, config=self.config, server_state=self.server_state, app_state={})

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._stopping.is_set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
