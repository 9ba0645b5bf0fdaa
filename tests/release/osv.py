"""A database of advisories on loopback, in the form of OSV's query."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADVISORY = {"id": "GHSA-made-up", "affected": [{"package": {"name": "h11", "ecosystem": "PyPI"}, "ranges": []}]}


class Database(BaseHTTPRequestHandler):
    """Knows one advisory, on h11 0.14.0."""

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        affected = (query["package"]["name"], query["version"]) == ("h11", "0.14.0")
        reply = json.dumps({"vulns": [ADVISORY]} if affected else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - its name in the standard library
        """Say nothing."""


@contextmanager
def advisories() -> Iterator[str]:
    """The address to query, until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Database) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
        server.shutdown()
        thread.join()
