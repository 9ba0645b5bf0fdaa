"""Serving an application on a socket until a signal says stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

GRACE = 3
"""Seconds that requests in flight have to finish once the server is told to stop."""

KEEP_ALIVE = 120
"""Seconds that an idle connection is kept: longer than a usual scrape interval, or each scrape would connect anew."""


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
        return socket.create_server(
            (address.host, address.port),
            family=family,
            backlog=2048,
            dualstack_ipv6=everywhere and family == socket.AF_INET6,
        )
    except OSError as error:
        raise AddressError(
            f"{address.host}:{address.port}: cannot listen: {os.strerror(error.errno) if error.errno else error}"
        ) from None


def url(listener: socket.socket, scheme: str = "http") -> str:
    """The address that *listener* takes connections at."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class _Server(uvicorn.Server):
    """Leaves signals to `serve`: uvicorn would raise them anew at the end, and the process would not exit with 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(
    application: ASGIApp, listener: socket.socket, started: Callable[[], None], reload: Callable[[], None]
) -> None:
    """Serve until SIGTERM or SIGINT; call *started* once connections are taken, and *reload* at each SIGHUP."""
    asyncio.run(_serve(application, listener, started, reload))


async def _serve(
    application: ASGIApp, listener: socket.socket, started: Callable[[], None], reload: Callable[[], None]
) -> None:
    server = _Server(
        uvicorn.Config(
            application,
            http="h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
        )
    )

    def stop() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop)
    # Off the loop: reading files and starting polls must not hold up a scrape.
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(None, reload))
    started()
    await server.serve(sockets=[listener])
