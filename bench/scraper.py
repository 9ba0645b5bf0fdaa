"""A scraper in its own process, so that it is not measured: ``python -m bench.scraper PORT ENCODING``."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException

from bench.processes import python

HOST = "127.0.0.1"
ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
SECONDS = 300.0


def cost(port: int, encoding: str, requests: int) -> dict[str, float]:
    """Seconds per request to a server in this process: its CPU time, and how long the client waits."""
    with python("bench.scraper", str(port), encoding) as client:
        client.hear()
        started = time.process_time()
        client.tell(str(requests))
        waited = float(client.hear())
        return {"CPU": (time.process_time() - started) / requests, "wall": waited}


def get(port: int, path: str, encoding: str = "identity") -> bytes:
    """The body of the reply to a request like Prometheus' own. Raises `OSError` unless it is good."""
    connection = HTTPConnection(HOST, port, timeout=SECONDS)
    try:
        connection.request("GET", path, headers={"Accept": ACCEPT, "Accept-Encoding": encoding})
        reply = connection.getresponse()
        body = reply.read()
    except HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
    if reply.status != 200:  # noqa: PLR2004 - OK
        raise OSError(f"status {reply.status}")
    return body


@contextmanager
def listener() -> Iterator[tuple[socket.socket, int]]:
    """A socket that listens on a free port, and the port."""
    with socket.create_server((HOST, 0)) as found:
        yield found, found.getsockname()[1]


def main() -> None:
    """Read the number of requests from standard input, make them, and print how many seconds each took."""
    port, encoding = int(sys.argv[1]), sys.argv[2]
    _say("ready")
    requests = int(sys.stdin.readline())
    started = time.perf_counter()
    for _ in range(requests):
        get(port, "/metrics", encoding)
    _say(str((time.perf_counter() - started) / requests))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
