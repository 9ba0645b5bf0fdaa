"""A `requests` adapter whose time-out bounds a whole exchange, from the name that is resolved to the last byte.

The time-out of `requests` bounds each wait for bytes, so a service that drips a byte now and then holds a poll for
ever, and a resolver that hangs has none at all. Here every step, and every read of a reply, of its headers too, gets
only what is left of the time.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
import time
from concurrent.futures import Future
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

CONNECT_TIMEOUT = 5.0
"""Seconds for each address that a name has."""

BUFFER = 64 * 1024
"""Bytes. A page of 50 CSRs fits, headers and all, so most replies take one read."""


class _TimedReader(io.RawIOBase):
    """Reads from a socket until a deadline on the monotonic clock, then raises `TimeoutError`."""

    def __init__(self, sock: socket.socket, original: io.BufferedReader) -> None:
        self._sock = sock
        self._original = original  # closing it is what tells the socket that a reply was read to its end
        self._deadline = time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - the buffer protocol has a type from Python 3.12 on only
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the reply took too long")
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)

    def close(self) -> None:
        self._original.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReader(sock, self.fp), BUFFER)

    def _read_status(self) -> tuple[str, int, str]:
        """Refuse HTTP/0.9, which has no status line. The library takes it for 1.0, and then there is no telling."""
        version, status, reason = super()._read_status()  # type: ignore[misc] # not public
        if version == "HTTP/0.9":
            raise http.client.UnknownProtocol(version)
        return version, status, reason


class _TimedConnection(HTTPConnection):
    response_class = _TimedResponse

    def _new_conn(self) -> socket.socket:
        """Connect to one address after the other. There is no public way to bound how long it takes to find them."""
        host, seconds = self._dns_host, float(self.timeout or 0.0)
        deadline = time.monotonic() + seconds
        error: Exception = ConnectTimeoutError(self, "no address in time")
        try:
            for number in _resolved(host, self.port, seconds):
                self._dns_host, self.timeout = number, min(CONNECT_TIMEOUT, max(0.001, deadline - time.monotonic()))
                try:
                    return super()._new_conn()
                except (ConnectTimeoutError, NewConnectionError) as failed:
                    error = failed
        except socket.gaierror as failed:
            raise NameResolutionError(host, self, failed) from failed
        except TimeoutError:
            pass
        finally:
            self._dns_host = host
        try:
            raise error
        finally:
            del error  # it holds this frame, which would hold it


def _resolved(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of *host*, or `TimeoutError`: the system's resolver has none, so it is left to itself."""
    found: Future[list[str]] = Future()

    def resolve() -> None:
        try:
            infos = socket.getaddrinfo(host.strip("[]"), port, allowed_gai_family(), socket.SOCK_STREAM)
            found.set_result([str(info[4][0]) for info in infos])
        except Exception as error:  # noqa: BLE001 - raised where the result is waited for
            found.set_exception(error)

    threading.Thread(target=resolve, name="resolve", daemon=True).start()
    return found.result(seconds)


class _TimedSecureConnection(HTTPSConnection, _TimedConnection):
    response_class = _TimedResponse


class _TimedPool(HTTPConnectionPool):
    ConnectionCls = _TimedConnection


class _TimedSecurePool(HTTPSConnectionPool):
    ConnectionCls = _TimedSecureConnection


class TimedAdapter(HTTPAdapter):
    """Give it ``urllib3.Timeout(total=seconds)``."""

    _pools = {"http": _TimedPool, "https": _TimedSecurePool}  # noqa: RUF012 - as urllib3 has it

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager
