"""The server on real sockets: addresses, limits to what a client may take, and how it stops."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from csr_exporter.web.connection import ConnectionLimits
from csr_exporter.web.middleware import SECURITY_HEADERS, AccessMiddleware, RequestLimits
from csr_exporter.web.server import GRACE, Address, AddressError, listen, url
from tests.processes import until
from tests.web.serving import (
    DEADLINE,
    LOOPBACK,
    Served,
    Watched,
    ask,
    connected,
    headers_in,
    rest_of,
    served,
    status_in,
)

LARGE = 32 * 1024 * 1024
"""Bytes: more than the system buffers for a client that does not read."""

QUICK = ConnectionLimits(request_seconds=0.3, reply_seconds=0.3)


def page(request: Request) -> Response:  # noqa: ARG001 - the signature of a handler
    return PlainTextResponse("a page\n")


def large(request: Request) -> Response:  # noqa: ARG001 - the signature of a handler
    return Response(bytes(LARGE))


def broken(request: Request) -> Response:  # noqa: ARG001 - the signature of a handler
    raise ZeroDivisionError


def pages(limits: RequestLimits | None = None) -> AccessMiddleware:
    routes = [Route("/", page), Route("/large", large), Route("/broken", broken)]
    return AccessMiddleware(Starlette(routes=routes), limits=limits)


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served(pages()) as running:
        yield running


@pytest.fixture(scope="module")
def impatient() -> Iterator[Served]:
    """Gives clients a third of a second for everything."""
    with served(pages(), QUICK) as running:
        yield running


# --- Addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":10065", Address("", 10065)),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("[::1]:10065", Address("::1", 10065)),
        ("localhost:80", Address("localhost", 80)),
    ],
)
def test_an_address_is_host_and_port(text: str, expected: Address) -> None:
    assert Address.parse(text) == expected


@pytest.mark.parametrize("text", ["", "10065", "localhost", "host:", "host:x", "host:65536", "::1:80", "[::1]", "h:-1"])
def test_anything_else_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(AddressError) as caught:
        Address.parse(text)

    assert str(caught.value) == f"{text}: expected an address such as :10065, 127.0.0.1:10065 or [::1]:10065"


def test_an_address_that_is_taken_is_named() -> None:
    with listen(LOOPBACK) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressError, match=f"^127.0.0.1:{port}: cannot listen: Address already in use$"):
            listen(Address("127.0.0.1", port))


def test_several_addresses_of_both_families_are_served() -> None:
    with served(pages(), addresses=[LOOPBACK, Address("::1", 0), Address("", 0)]) as server:
        urls = [url(each) for each in server.listeners[0].sockets]
        statuses = []
        for listener in server.listeners[0].sockets:
            host, port = ("::1" if listener.family == socket.AF_INET6 else "127.0.0.1"), listener.getsockname()[1]
            connection = http.client.HTTPConnection(host, port, timeout=DEADLINE)
            statuses.append(ask(connection).status)
            connection.close()

    assert statuses == [200, 200, 200]
    assert urls[0].startswith("http://127.0.0.1:")
    assert urls[1].startswith("http://[::1]:")


@pytest.mark.parametrize("host", ["", "::"])
def test_all_addresses_of_the_machine_are_those_of_ipv4_too(host: str) -> None:
    with served(pages(), addresses=[Address(host, 0)]) as server:
        assert server.get().status == 200  # asks 127.0.0.1


# --- Requests that are not as they should be --------------------------------------------------------------------------


def test_every_reply_names_us_alone_and_tells_browsers_to_be_careful(server: Served) -> None:
    for reply in (server.get(), server.get("/nope"), server.get("/", "DELETE"), server.get("/", "HEAD")):
        assert reply.headers.get_all("Server") == ["csr-exporter"]
        assert {name: reply.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


@pytest.mark.parametrize(
    ("target", "method", "status", "body"),
    [
        ("/", "HEAD", 200, b""),
        ("/", "DELETE", 405, b"Method Not Allowed"),
        ("/", "BREW", 405, b"Method Not Allowed"),
        ("/", "OPTIONS", 405, b"Method Not Allowed"),
        ("/", "TRACE", 405, b"Method Not Allowed"),
        ("*", "OPTIONS", 404, b"Not Found"),
        ("example.com:443", "CONNECT", 404, b"Not Found"),
        ("http://example.com/", "GET", 200, b"a page\n"),
        ("HTTPS://example.com", "GET", 200, b"a page\n"),
        ("http://example.com/nope?http://example.com/", "GET", 404, b"Not Found"),
        ("//", "GET", 404, b"Not Found"),
        ("/../../etc/passwd", "GET", 404, b"Not Found"),
        ("/%00%ff%2e%2e/", "GET", 404, b"Not Found"),
        ("/?" + "a" * 20_000, "GET", 200, b"a page\n"),
        ("/" + "a" * 20_000, "GET", 404, b"Not Found"),
        ("/broken", "GET", 500, b"Internal Server Error"),
    ],
)
def test_unusual_requests_get_a_plain_answer(
    server: Served, target: str, method: str, status: int, body: bytes
) -> None:
    with server.connect() as connection:
        connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        reply = rest_of(connection)

    assert status_in(reply) == status
    assert reply.partition(b"\r\n\r\n")[2] == body
    assert headers_in(reply)["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 1_000_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200_000 + b"\r\n", 431),
        (b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/x\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: x\r\nConnection: close\r\n\r\n", 505),
        (b"GET / HTTP/2.0\r\nHost: x\r\nConnection: close\r\n\r\n", 505),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
)
def test_what_is_not_http_is_refused_and_the_client_can_read_why(server: Served, request_: bytes, status: int) -> None:
    with server.connect() as connection:
        connection.sendall(request_)
        reply = rest_of(connection)

    assert status_in(reply) == status
    assert {"Server": "csr-exporter", **SECURITY_HEADERS}.items() <= headers_in(reply).items()
    assert headers_in(reply)["Connection"] == "close"


def test_a_body_that_goes_wrong_after_its_reply_ends_the_connection(server: Served) -> None:
    with server.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert status_in(connection.recv(65536)) == 413
        connection.sendall(b"not a chunk\r\n")

        assert b"HTTP/1.1" not in rest_of(connection)


@pytest.mark.parametrize("header", ["Content-Length: 65537", f"Content-Length: {10**18}", "Transfer-Encoding: chunked"])
def test_a_large_body_is_refused_before_it_is_sent(server: Served, header: str) -> None:
    with server.connect() as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{header}\r\nExpect: 100-continue\r\n\r\n".encode())

        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_small_body_is_passed_over(server: Served) -> None:
    with connected(server.port) as connection:
        connection.request("GET", "/", body=b"a" * 65536)
        first = connection.getresponse()
        first.read()

        assert (first.status, ask(connection).status) == (200, 200)


# --- Clients that are slow --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"G",
        b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\na",
    ],
)
def test_a_client_that_does_not_end_its_request_is_dropped(impatient: Served, sent: bytes) -> None:
    with impatient.connect() as connection:
        connection.sendall(sent)

        rest_of(connection)  # which returns only when the connection was ended


def test_a_client_that_sends_a_byte_now_and_then_is_dropped(impatient: Served) -> None:
    with impatient.connect() as connection:
        connection.settimeout(0.02)

        until(lambda: ended_while_dripping(connection))


def ended_while_dripping(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"a")
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_an_idle_connection_is_kept_between_requests(impatient: Served) -> None:
    with connected(impatient.port) as connection:
        first = ask(connection)
        connection.sock.settimeout(2 * QUICK.request_seconds)
        with pytest.raises(TimeoutError):
            connection.sock.recv(1)
        connection.sock.settimeout(DEADLINE)

        assert (first.status, ask(connection).status) == (200, 200)


def test_a_client_that_does_not_read_its_reply_is_dropped() -> None:
    watched = Watched(pages())
    with served(watched, QUICK) as server, server.connect() as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1) == b"H"
        until(lambda: watched.ended)

        assert len(rest_of(connection)) < LARGE


def test_clients_that_do_not_read_make_room_for_one_that_does() -> None:
    limits = RequestLimits(reply_bytes=2 * LARGE)
    with served(pages(limits)) as server, ExitStack() as open_connections:
        stalled = [open_connections.enter_context(server.connect()) for _ in range(40)]
        for connection in stalled:
            connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(1) == b"H"

        replies = [server.get("/large") for _ in range(3)]

        assert [(each.status, len(each.body)) for each in replies] == [(200, LARGE)] * 3
        assert all(len(rest_of(each)) < LARGE for each in stalled)


def test_clients_that_do_not_read_take_no_place_from_those_who_ask() -> None:
    limits = RequestLimits(pending=2, reply_bytes=4 * LARGE)
    with served(pages(limits)) as server, ExitStack() as open_connections:
        for _ in range(2):
            stalled = open_connections.enter_context(server.connect())
            stalled.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            assert stalled.recv(1) == b"H"

        assert server.get().status == 200


def test_a_large_reply_is_whole(server: Served) -> None:
    assert len(server.get("/large").body) == LARGE


def test_a_newcomer_takes_the_place_of_an_idle_connection() -> None:
    with served(pages(), ConnectionLimits(connections=3)) as server, ExitStack() as open_connections:
        idle = [open_connections.enter_context(server.connect()) for _ in range(9)]

        assert [server.get().status for _ in range(9)] == [200] * 9
        assert sum(was_ended(each) for each in idle) >= 6


def was_ended(connection: socket.socket) -> bool:
    connection.settimeout(0.2)
    try:
        return rest_of(connection) == b""
    except TimeoutError:
        return False


def test_a_scrape_is_answered_among_many_that_do_not_end_their_request(server: Served) -> None:
    with ExitStack() as open_connections:
        for _ in range(200):
            connection = open_connections.enter_context(server.connect())
            connection.sendall(b"GET / HTTP/1.1\r\nHost: ")

        assert server.get().status == 200


# --- Stopping ---------------------------------------------------------------------------------------------------------


class Slow:
    """A page that is ready when it is told to be."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.ready = threading.Event()

    def page(self, request: Request) -> Response:  # noqa: ARG002 - the signature of a handler
        self.asked.set()
        assert self.ready.wait(DEADLINE)
        return PlainTextResponse("at last\n")

    @property
    def application(self) -> Starlette:
        return Starlette(routes=[Route("/", self.page)])


def test_requests_in_flight_are_answered_before_the_end() -> None:
    slow = Slow()
    with served(slow.application) as server, connected(server.port) as connection:
        connection.request("GET", "/")
        assert slow.asked.wait(DEADLINE)
        server.begin_to_stop()
        slow.ready.set()

        assert connection.getresponse().read() == b"at last\n"
        assert server.ended()


def test_idle_and_unfinished_connections_do_not_delay_the_end() -> None:
    with served(pages()) as server, server.connect() as idle, server.connect() as unfinished:
        unfinished.sendall(b"GET / HT")
        assert server.get().status == 200
        begun = time.monotonic()
        server.begin_to_stop()

        assert server.ended()
        assert time.monotonic() - begun < GRACE
        assert rest_of(idle) == b""


def test_a_reply_that_is_not_read_by_then_is_cut_off_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    with served(pages()) as server, server.connect() as stalled:
        stalled.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert stalled.recv(1) == b"H"
        server.begin_to_stop()

        assert server.ended()
        assert len(rest_of(stalled)) < LARGE
    assert caplog.messages == []


def test_a_small_reply_is_sent_at_once_instead_of_waiting_for_more() -> None:
    with listen(Address("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            # Nagle's delay would cost each reply of a kept connection 40 ms.
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
