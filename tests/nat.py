"""A network between client and server that forgets connections, as a NAT does: it ends none and forwards nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Nat:
    """Forwards connections from *listener* to *server* until it forgets them."""

    def __init__(self, listener: socket.socket, server: tuple[str, int]) -> None:
        self._listener = listener
        self._server = server
        self._open: set[socket.socket] = set()
        self._forgotten: set[socket.socket] = set()

    @property
    def url(self) -> str:
        host, port = self._listener.getsockname()
        return f"http://{host}:{port}"

    def forget(self) -> int:
        """Forward nothing more on the connections that are open now; how many these are."""
        forgotten = set(self._open) - self._forgotten
        self._forgotten |= forgotten
        return len(forgotten) // 2

    def run(self) -> None:
        with suppress(OSError):  # how `accept` ends when the listener is closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._open |= {client, server}
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), source:
            try:
                while data := source.recv(65536):
                    if source not in self._forgotten:
                        target.sendall(data)
            finally:  # which may also be a reset
                if source not in self._forgotten:
                    target.shutdown(socket.SHUT_WR)
        self._open.discard(source)
        self._forgotten.discard(source)

    def close(self) -> None:
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def nat(url: str) -> Iterator[Nat]:
    """A NAT in front of the server at *url*."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        between = Nat(listener, (host, int(port)))
        threading.Thread(target=between.run, daemon=True).start()
        try:
            yield between
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            between.close()
