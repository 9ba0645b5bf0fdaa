"""The simulator on a socket: in a thread for tests, in the foreground for the command."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import uvicorn

from csr_exporter.simulator.account import SimulatedAccount
from csr_exporter.simulator.application import application
from csr_exporter.simulator.cloud import Cloud
from csr_exporter.simulator.faults import Fault
from csr_exporter.simulator.messages import SeenRequest
from csr_exporter.simulator.metadata import ECS_PATH
from csr_exporter.simulator.raw import ExposedProtocol

START_SECONDS = 30.0
TURNS = 5  # of the loop; two suffice from accepting a connection to knowing it
MAX_HEADERS = 1 << 20  # bytes: tokens are thousands of characters, and may be more


class Simulator:
    """SCM and IAM for *accounts* at one address, running between `__enter__` and `__exit__` in a thread of its own.

    Port 0 picks a free one. *clock* gives the time of the simulated cloud in Unix seconds: it dates replies, ends
    tokens, judges signatures and drives the churn.
    """

    def __init__(
        self,
        accounts: Sequence[SimulatedAccount],
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._cloud = Cloud(accounts, clock)
        self._address = (host, port)

    def __enter__(self) -> Self:
        self._socket = _bind(*self._address)
        self._server = _Server(self._cloud)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="simulator", daemon=True)
        self._thread.start()
        if not self._server.ready.wait(START_SECONDS):
            raise TimeoutError("the simulator did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where SCM, IAM, STS and the metadata service all are, ``http://127.0.0.1:43211``."""
        return _url(self._socket)

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        """Every request so far, in the order they were answered."""
        return self._cloud.seen()

    def wait_for(self, count: int, seconds: float = 10) -> tuple[SeenRequest, ...]:
        """The requests so far, once there are *count* of them. Raises `TimeoutError` after *seconds*."""
        return self._cloud.seen(count, seconds)

    def metadata_url(self, account: str) -> str:
        """Where the ECS of *account* finds its metadata service; that of the first account is at `url` too."""
        return f"{self.url}{ECS_PATH}{quote(account, safe='')}"

    def records(self, account: str) -> list[Any]:
        """A copy of what *account* holds now, newest first."""
        return copy.deepcopy([*self._cloud.stores[account].at(self._cloud.clock())])

    def add(self, account: str, record: Any) -> None:  # noqa: ANN401 - hostile records too
        """Put *record* first in the list of *account*."""
        self._cloud.stores[account].add(record)

    def remove(self, account: str, identity: str) -> None:
        """Raises `KeyError` when *account* has no record of that id."""
        self._cloud.stores[account].remove(identity)

    def issue_token(self, account: str) -> str:
        """A new token of *account*, as if an operator had fetched one."""
        return self._cloud.tokens.issue(self._cloud.accounts[account], self._cloud.clock()).value

    def expire_tokens(self, account: str | None = None) -> None:
        """End all tokens of *account*, or of all, from now on."""
        self._cloud.tokens.expire(account, self._cloud.clock())

    def inject(self, account: str | None, fault: Fault) -> None:
        """Let *fault* strike *account*, or for None any request, even one that names no account. Faults add up.

        Raises `LookupError` for an account that is not there.
        """
        self._cloud.inject(account, fault)

    def clear(self, account: str | None = None) -> None:
        """End the faults injected for *account*, or all."""
        self._cloud.faults.clear(account)


def serve(accounts: Sequence[SimulatedAccount], host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve *accounts* in the calling thread, which must be the main one, until SIGTERM or SIGINT; then return.

    *ready* is called with the address once connections are accepted. Raises `OSError` when it cannot be bound.
    """
    listener = _bind(host, port)
    ready(_url(listener))
    _Server(Cloud(accounts, time.time)).run([listener])


class _Server(uvicorn.Server):
    """uvicorn that starts and stops without polling, and restores signal handlers."""

    def __init__(self, cloud: Cloud) -> None:
        self._stopping = asyncio.Event()
        self._dropped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.ready = threading.Event()
        super().__init__(
            uvicorn.Config(
                application(cloud, self._dropped),
                http=ExposedProtocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=75,
                h11_max_incomplete_event_size=MAX_HEADERS,
            )
        )

    def stop(self) -> None:
        """End the server from another thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.ready.set()

    async def main_loop(self) -> None:
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop every connection: clients that wait for a reply are being tested for exactly that.

        A connection accepted in the last moment needs some turns of the loop before it can be dropped, with the
        server still open; those not yet accepted are reset as the listening socket closes.
        """
        listeners = sockets or []
        for listener in listeners:
            asyncio.get_running_loop().remove_reader(listener)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # lets each of them notice
        self._dropped.set()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
        for server in self.servers:
            server.close()
        for listener in listeners:
            listener.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal. uvicorn would raise it once more after stopping, and so end the process by it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


def _bind(host: str, port: int) -> socket.socket:
    """A listening socket. Its protocol is named because asyncio switches Nagle's delay off only then."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
