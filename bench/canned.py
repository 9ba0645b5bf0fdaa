"""A CSR list that answers from memory, in its own process: ``python -m bench.canned CSRS``.

Unlike the simulator it checks nothing and takes next to no CPU. For each line of standard input, a number, it renames
so many CSRs, evenly spread over the list.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from urllib.parse import parse_qs, urlsplit

from bench.processes import Process, python
from bench.world import PAGE
from csr_exporter.simulator.records import Generator, Record


@contextmanager
def canned(csrs: int) -> Iterator[tuple[Process, str]]:
    """Serve a list of *csrs*, whose offsets count pages; yield the process and its address."""
    with python("bench.canned", str(csrs)) as process:
        yield process, process.hear()


class _List:
    def __init__(self, size: int) -> None:
        self._records = Generator(seed=1).history(size, time.time())
        self._renamed = 0
        self._make_pages()

    def _make_pages(self) -> None:
        size = len(self._records)
        pages = (self._records[start : start + PAGE] for start in range(0, size + 1, PAGE))
        self._pages = [_reply({"csr_list": page, "total": size}) for page in pages]

    def rename(self, count: int) -> None:
        self._renamed += 1
        for place in range(0, len(self._records), len(self._records) // count):
            record: Record = self._records[place]
            self._records[place] = record | {"name": f"renamed-{self._renamed}-{place}"}
        self._make_pages()

    def serve(self, connection: socket.socket) -> None:
        """Answer requests without a body until the client leaves."""
        with connection, connection.makefile("rb") as lines:
            while request := lines.readline().decode():
                while lines.readline() != b"\r\n":
                    pass
                offset = parse_qs(urlsplit(request.split()[1]).query)["offset"]
                connection.sendall(self._pages[int(offset[0])])


def _reply(content: object) -> bytes:
    body = json.dumps(content, ensure_ascii=False).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: keep-alive\r\nX-Request-Id: 0123456789abcdef\r\n\r\n"
    )
    return head.encode() + body


def main() -> None:
    """Print the address, and serve until terminated."""
    found = _List(int(sys.argv[1]))
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listener, found), daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        found.rename(int(line))
        sys.stdout.write("renamed\n")
        sys.stdout.flush()


def _accept(listener: socket.socket, found: _List) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=found.serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
