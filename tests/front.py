"""A server in front of the simulated cloud that terminates TLS, or acts as a proxy, and relays what it gets."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from tests.certificates import Pair

DEADLINE = 20.0


class Front:
    """Relays every connection to the server at *target*; *heard* is what each of them sent first.

    A connection that starts with CONNECT gets the status *answer* first, whatever its destination.
    """

    def __init__(self, target: str, context: ssl.SSLContext | None, answer: int) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._context = context
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.heard: list[bytes] = []

    def start(self) -> None:
        self._begin(self._accept)

    def stop(self) -> None:
        for each in (self._listener, *self._open):
            _end(each)
        for thread in self._threads:
            thread.join(DEADLINE)
        self._listener.close()

    def _begin(self, work: Callable[..., None], *given: socket.socket) -> None:
        thread = threading.Thread(target=work, args=given, name="front", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # stopping closes the listener
            while True:
                self._begin(self._handle, self._listener.accept()[0])

    def _handle(self, plain: socket.socket) -> None:
        with suppress(OSError), plain:  # clients that do not trust us leave
            outer = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            with outer, socket.create_connection(self._target) as inner:
                self._open |= {outer, inner}
                self._join(outer, inner)
                self._open -= {outer, inner}

    def _join(self, outer: socket.socket, inner: socket.socket) -> None:
        first = outer.recv(65536)
        self.heard.append(first)
        if first.startswith(b"CONNECT"):
            outer.sendall(f"HTTP/1.1 {self._answer} as told\r\n\r\n".encode())
        else:
            inner.sendall(first)
        back = threading.Thread(target=_pump, args=(inner, outer), name="front", daemon=True)
        back.start()
        _pump(outer, inner)
        back.join(DEADLINE)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _end(source)
    _end(sink)


def _end(connection: socket.socket) -> None:
    """Shut *connection* down, which wakes whoever reads from it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def front(target: str, context: ssl.SSLContext | None = None, answer: int = 200) -> Iterator[Front]:
    """A `Front` on a free port of loopback until the block ends."""
    server = Front(target, context, answer)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def shows(pair: Pair, directory: Path) -> ssl.SSLContext:
    """A TLS context with the certificate of *pair*, which is written to *directory*."""
    pair.write(directory, "front")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "front.crt", directory / "front.key")
    return context
