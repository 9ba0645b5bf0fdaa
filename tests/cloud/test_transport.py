"""Requests that go wrong: each fault has its reason, a few are retried, and none holds a poll for ever."""

from __future__ import annotations

import contextlib
import datetime as dt
import email.utils
import gc
import socket
import ssl
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from csr_exporter.cloud.transport import ATTEMPTS, Transport, TransportSettings
from csr_exporter.inventory import Reason, Service, SourceError
from csr_exporter.simulator import Break, Fault, Latency, RawReply, SimulatedAccount, Simulator, Status, Throttle
from tests.certificates import Authority
from tests.fakes import Wire
from tests.processes import DEADLINE

CLOSED = "http://127.0.0.1:1"


class Sleeper:
    """Sleeps no time at all, and remembers how long it should have."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


class Client:
    """A transport with everything that a test may ask of it."""

    def __init__(self, url: str, **settings: float | str | bool | Path) -> None:
        self.wire = Wire()
        self.sleep = Sleeper()
        self.transport = Transport(TransportSettings(requests_per_second=1e6, **settings), self.wire, self.sleep)  # type: ignore[arg-type] # each test names what it sets
        self.transport.start(60)
        self.url = url

    def get(self, token: str = "") -> bytes:
        request = requests.Request("GET", f"{self.url}/v3/scm/csr", headers={"X-Auth-Token": token})
        return self.transport.send(Service.SCM, self.transport.prepare(request)).body

    def fails(self, token: str = "") -> SourceError:
        with pytest.raises(SourceError) as caught:
            self.get(token)
        return caught.value


@pytest.fixture
def client(simulator: Simulator) -> Client:
    return Client(simulator.url, request_timeout=0.5)


# --- reasons ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Status(400), Reason.BAD_REQUEST),
        (Status(401), Reason.UNAUTHORIZED),
        (Status(403), Reason.FORBIDDEN),
        (Status(404), Reason.NOT_FOUND),
        (Status(418), Reason.BAD_REQUEST),
        (Status(429), Reason.THROTTLED),
        (Status(500), Reason.SERVER_ERROR),
        (Status(503), Reason.SERVER_ERROR),
        (Status(599), Reason.SERVER_ERROR),
        (RawReply(204), Reason.MALFORMED_REPLY),
        (RawReply(201, body=b"{}"), Reason.MALFORMED_REPLY),
        (RawReply(301, (("Location", "https://elsewhere.example/"),)), Reason.MALFORMED_REPLY),
        (RawReply(body=b"x" * 1024, repeat=30 * 1024), Reason.MALFORMED_REPLY),
        (RawReply(headers=(("Content-Encoding", "gzip"),), body=b"not gzip"), Reason.MALFORMED_REPLY),
        (RawReply(headers=(("Content-Length", "100"),), body=b"short"), Reason.MALFORMED_REPLY),
        (Break("close"), Reason.UNREACHABLE),
        (Break("reset"), Reason.UNREACHABLE),
        (Break("reset", in_body=True), Reason.UNREACHABLE),
        (Break("hang"), Reason.TIMEOUT),
        (Break("hang", in_body=True), Reason.TIMEOUT),
        (Latency(5), Reason.TIMEOUT),
    ],
)
def test_each_fault_has_its_reason(
    simulator: Simulator, client: Client, fault: Status | RawReply | Break | Latency, reason: Reason
) -> None:
    simulator.inject(None, Fault(fault))

    assert client.fails().reason is reason


def test_a_reply_that_is_too_large_is_not_kept_by_the_error_that_says_so(simulator: Simulator) -> None:
    simulator.inject(None, Fault(RawReply(body=b"x" * 1024, repeat=10 * 1024)))

    error = Client(simulator.url).fails()

    kept = [value for frame, _ in traceback.walk_tb(error.__traceback__) for value in frame.f_locals.values()]
    assert max(len(value) for value in kept if isinstance(value, bytes | bytearray)) < 100_000


@pytest.mark.parametrize("fault", [Break("close"), Break("reset"), Break("hang"), Break("reset", in_body=True)])
def test_what_a_poll_had_read_is_let_go_of_when_a_request_fails(
    simulator: Simulator, client: Client, fault: Break
) -> None:
    simulator.inject(None, Fault(fault))

    def poll() -> weakref.ref[Client]:
        read = Client(simulator.url)
        with contextlib.suppress(SourceError):
            client.get()
        return weakref.ref(read)

    gc.disable()  # what is kept in a circle waits for it, pages of thousands of CSRs in a busy process
    try:
        read = poll()
    finally:
        gc.enable()

    assert read() is None


def test_an_address_where_nobody_listens_is_unreachable() -> None:
    error = Client(CLOSED).fails()

    assert (error.reason, error.detail) == (Reason.UNREACHABLE, "Connection refused")


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    error = Client("http://scm.invalid").fails()

    assert error.reason is Reason.UNREACHABLE
    assert "scm.invalid" not in error.detail


def test_a_service_without_tls_where_tls_is_expected_is_a_tls_fault(simulator: Simulator) -> None:
    assert Client(simulator.url.replace("http://", "https://")).fails().reason is Reason.TLS


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def secure(authority: Authority, tmp_path: Path) -> Iterator[str]:
    """The address of a service with a certificate of *authority*; its replies are one each, and empty objects."""
    authority.issue().write(tmp_path, "service")
    (tmp_path / "ca.pem").write_bytes(authority.cert)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "service.crt", tmp_path / "service.key")
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            plain, _ = listener.accept()
            # A client that does not trust the certificate leaves.
            with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    ended.set()
    with contextlib.suppress(OSError), socket.create_connection(listener.getsockname()):
        pass
    thread.join(10)
    listener.close()


def test_a_certificate_is_verified_against_the_authorities_that_are_configured(secure: str, tmp_path: Path) -> None:
    assert Client(secure, ca_file=tmp_path / "ca.pem").get() == b"{}"


def test_a_certificate_of_an_unknown_authority_is_refused_and_nothing_is_asked_again(secure: str) -> None:
    client = Client(secure)

    assert client.fails().reason is Reason.TLS
    assert client.wire.retries == []


def test_verification_is_off_only_where_that_is_configured(secure: str) -> None:
    assert Client(secure, verify=False).get() == b"{}"


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_authorities_that_cannot_be_read_are_a_tls_fault_that_names_the_file(
    secure: str, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "none.pem"
    if content is not None:
        file.write_bytes(content)

    error = Client(secure, ca_file=file).fails()

    assert error.reason is Reason.TLS
    assert "ca_file" in error.detail


@pytest.fixture
def speaking() -> Iterator[Callable[[bytes], str]]:
    """A server that answers each connection with the same bytes and closes it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(reply: bytes) -> None:
        with contextlib.suppress(OSError):
            while True:
                with listener.accept()[0] as connection:
                    connection.recv(65536)
                    connection.sendall(reply)

    def start(reply: bytes) -> str:
        threading.Thread(target=serve, args=(reply,), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 200 + b"\r\n{}",
        b'{"csr_list": [], "total": 0}\n',
        b"HTTP/0.9 200\r\n\r\n{}",
        b"HTTP/2.0 200 OK\r\n\r\n{}",
        b"HTTP/1.1 OK\r\n\r\n{}",
        CHUNKED + b"xyz\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"2\r\n{}\r\n",
    ],
    ids=[
        "long header",
        "many headers",
        "no status line",
        "HTTP/0.9",
        "HTTP/2.0",
        "no status",
        "bad chunk",
        "no last chunk",
    ],
)
def test_what_is_no_http_is_malformed_and_not_asked_for_again(speaking: Callable[[bytes], str], reply: bytes) -> None:
    client = Client(speaking(reply))

    error = client.fails()

    assert error.reason is Reason.MALFORMED_REPLY
    assert client.wire.retries == []


def test_a_redirect_is_never_followed(simulator: Simulator, client: Client) -> None:
    simulator.inject(None, Fault(RawReply(302, (("Location", f"{simulator.url}/elsewhere"),))))

    client.fails(token="the-token")

    assert [request.path for request in simulator.requests] == ["/v3/scm/csr"]


def test_what_the_service_says_is_in_the_detail_but_no_secret_it_echoes(simulator: Simulator, client: Client) -> None:
    echo = b'{"error_code": "APIGW.0301", "error_msg": "decrypt token fail: the-token\\n"}'
    simulator.inject(None, Fault(Status(401, body=echo)))

    assert client.fails(token="the-token").detail == "HTTP 401 APIGW.0301 decrypt token fail: <secret>\ufffd"


@pytest.mark.parametrize("body", [b"x" * 245 + b" the-token", b"no: the-token"], ids=["cut amid it", "plain"])
def test_no_part_of_a_secret_is_left_where_the_words_are_cut(simulator: Simulator, client: Client, body: bytes) -> None:
    simulator.inject(None, Fault(Status(401, body=body)))

    assert "the" not in client.fails(token="the-token").detail


def test_a_token_in_a_status_line_is_not_shown(speaking: Callable[[bytes], str]) -> None:
    assert "the-token" not in Client(speaking(b"NONSENSE: the-token\r\n")).fails(token="the-token").detail


@pytest.mark.parametrize("echo", ["hunter:2", "hunter%3A2", "c29tZWJvZHk6aHVudGVyOjI="])
def test_what_a_proxy_echoes_of_its_password_is_not_shown(simulator: Simulator, echo: str) -> None:
    simulator.inject(None, Fault(Status(407, body=f"refused {echo}".encode())))
    proxy = simulator.url.replace("http://", "http://somebody:hunter%3A2@")

    assert Client("http://scm.invalid", proxy=proxy).fails().detail == "HTTP 407 refused <secret>"


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"code": 401, "message": "no", "title": "Unauthorized"}}',
        b'{"errorCode": "401", "errorMsg": "no"}',
        b'{"code": "401", "message": "no"}',
    ],
)
def test_errors_of_every_shape_are_read(simulator: Simulator, client: Client, body: bytes) -> None:
    simulator.inject(None, Fault(Status(401, body=body)))

    assert client.fails().detail == "HTTP 401 401 no"


# --- retries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Break("close"), Reason.UNREACHABLE),
        (Break("hang"), Reason.TIMEOUT),
        (Status(429), Reason.THROTTLED),
        (Status(502), Reason.SERVER_ERROR),
    ],
)
def test_a_fault_that_passes_is_outlasted(
    simulator: Simulator, account: SimulatedAccount, client: Client, fault: Status | Break, reason: Reason
) -> None:
    simulator.inject(None, Fault(fault, requests=2))

    client.get(token=account.token)

    assert client.wire.retries == [(Service.SCM, reason)] * 2
    assert [exchange.code for exchange in client.wire.exchanges][-1] == "200"


def test_a_fault_that_stays_is_given_up_after_three_retries_ever_further_apart(
    simulator: Simulator, client: Client
) -> None:
    simulator.inject(None, Fault(Status(500)))

    client.fails()

    assert len(simulator.requests) == ATTEMPTS
    first, second, third = client.sleep.slept
    assert 1 <= first <= 2 <= second <= 3 <= third - 1 <= 4


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_never_retried(simulator: Simulator, client: Client, status: int) -> None:
    simulator.inject(None, Fault(Status(status)))

    client.fails()

    assert len(simulator.requests) == 1


@pytest.mark.parametrize("as_date", [False, True])
def test_a_service_that_says_when_to_come_again_is_obeyed(
    simulator: Simulator,
    account: SimulatedAccount,
    client: Client,
    as_date: bool,  # noqa: FBT001 - a case
) -> None:
    simulator.inject(None, Fault(Status(429, retry_after=7, as_date=as_date), requests=1))

    client.get(token=account.token)

    (slept,) = client.sleep.slept
    assert 5.5 <= slept <= 7


@pytest.mark.parametrize(
    ("asked", "seconds"), [("10000", 600.0), ("-5", 0.0), ("soon", 0.0), ("9" * 400, 600.0), ("1e3", 0.0)]
)
def test_a_wait_is_bounded_and_nonsense_is_none(
    simulator: Simulator, client: Client, asked: str, seconds: float
) -> None:
    simulator.inject(None, Fault(RawReply(429, (("Retry-After", asked),))))

    assert client.fails().pause == seconds


def test_a_wait_past_the_deadline_ends_the_poll_as_throttled(simulator: Simulator, client: Client) -> None:
    simulator.inject(None, Fault(Status(429, retry_after=120)))

    error = client.fails()

    assert (error.reason, error.pause) == (Reason.THROTTLED, 120.0)
    assert client.sleep.slept == []
    assert client.wire.retries == []


# --- time -------------------------------------------------------------------------------------------------------------


def test_no_request_is_sent_after_the_deadline(simulator: Simulator, client: Client) -> None:
    client.transport.start(0)

    assert client.fails().reason is Reason.DEADLINE
    assert simulator.requests == ()


def test_a_request_whose_turn_comes_after_the_deadline_is_not_waited_for() -> None:
    wire, sleep = Wire(), Sleeper()
    transport = Transport(TransportSettings(requests_per_second=0.1, attempts=1), wire, sleep)
    transport.start(5)

    reasons = []
    for _ in range(2):
        with pytest.raises(SourceError) as caught:
            transport.send(Service.SCM, transport.prepare(requests.Request("GET", CLOSED)))
        reasons.append(caught.value.reason)

    assert reasons == [Reason.UNREACHABLE, Reason.DEADLINE]
    assert len(wire.exchanges) == 1
    assert sleep.slept == []


def test_a_request_that_the_deadline_cuts_is_blamed_on_it(simulator: Simulator) -> None:
    simulator.inject(None, Fault(Break("hang")))
    client = Client(simulator.url, request_timeout=20.0)
    client.transport.start(0.3)

    assert client.fails().reason is Reason.DEADLINE


@pytest.fixture
def dripping() -> Iterator[Callable[[bytes], str]]:
    """A server that sends its first bytes at once and then one byte each twentieth of a second, without an end."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve(first: bytes) -> None:
        with listener.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(first)
            for _ in range(1200):
                if ended.wait(0.05):
                    return
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    def start(first: bytes) -> str:
        threading.Thread(target=serve, args=(first,), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    ended.set()
    listener.close()


@pytest.mark.parametrize(
    "first",
    [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"],
    ids=["head", "body"],
)
def test_a_service_that_drips_bytes_does_not_hold_a_poll(dripping: Callable[[bytes], str], first: bytes) -> None:
    client = Client(dripping(first), request_timeout=0.4)
    client.transport.start(0.4)
    started = time.monotonic()

    error = client.fails()

    assert error.reason in {Reason.TIMEOUT, Reason.DEADLINE}
    # Two thousand drips would be a hundred seconds.
    assert time.monotonic() - started < 20


def test_a_resolver_that_hangs_does_not_hold_a_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def hanging(*_: object) -> list[object]:
        ended.wait(DEADLINE)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    client = Client("http://scm.invalid")
    client.transport.start(0.3)
    started = time.monotonic()

    error = client.fails()
    ended.set()

    assert error.reason is Reason.DEADLINE
    assert time.monotonic() - started < DEADLINE / 2


def test_an_address_that_refuses_leaves_the_others_to_be_tried(
    monkeypatch: pytest.MonkeyPatch, simulator: Simulator, account: SimulatedAccount
) -> None:
    resolve = socket.getaddrinfo

    def two(host: str, port: int, *rest: Any) -> list[Any]:  # noqa: ANN401 - as the original
        if host != "scm.invalid":
            return resolve(host, port, *rest)
        return [*resolve("127.0.0.2", port, *rest), *resolve("127.0.0.1", port, *rest)]

    monkeypatch.setattr(socket, "getaddrinfo", two)

    assert Client(simulator.url.replace("127.0.0.1", "scm.invalid")).get(token=account.token)


def test_requests_keep_to_the_rate() -> None:
    wire, sleep = Wire(), Sleeper()
    transport = Transport(TransportSettings(requests_per_second=0.01, attempts=1), wire, sleep)
    transport.start(1000)

    for _ in range(4):
        with pytest.raises(SourceError):
            transport.send(Service.SCM, transport.prepare(requests.Request("GET", CLOSED)))

    assert sleep.slept == pytest.approx([100, 200, 300], abs=30)


def test_the_end_of_a_poll_closes_its_connections() -> None:
    """A NAT forgets those that idle."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        left = threading.Event()

        def serve() -> None:
            with listener.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                if not connection.recv(65536):
                    left.set()

        threading.Thread(target=serve, daemon=True).start()
        client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}")
        client.get()

        client.transport.end()

        assert left.wait(DEADLINE)


# --- what is observed -------------------------------------------------------------------------------------------------


def test_every_request_is_observed_with_its_code_and_time(
    simulator: Simulator, account: SimulatedAccount, client: Client
) -> None:
    simulator.inject(None, Fault(Status(500), requests=1))
    simulator.inject(None, Fault(Break("close"), requests=1))

    client.get(token=account.token)

    assert [exchange.code for exchange in client.wire.exchanges] in (["500", "error", "200"], ["error", "500", "200"])
    assert all(exchange.seconds > 0 for exchange in client.wire.exchanges)


def test_the_clock_of_the_service_is_compared_with_ours(simulator: Simulator, client: Client) -> None:
    date = email.utils.format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), usegmt=True)
    simulator.inject(None, Fault(RawReply(200, (("Date", date),), b"{}")))

    client.get()

    (exchange,) = client.wire.exchanges
    assert exchange.clock_skew == pytest.approx(3600, abs=2)


# --- what comes from the environment ----------------------------------------------------------------------------------


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    monkeypatch.setenv("HTTP_PROXY", simulator.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    Client("http://scm.invalid").fails()

    assert simulator.requests


def test_no_proxy_of_the_environment_is_honoured(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    monkeypatch.setenv("HTTP_PROXY", simulator.url)
    monkeypatch.setenv("NO_PROXY", "scm.invalid")

    Client("http://scm.invalid").fails()

    assert simulator.requests == ()


def test_a_configured_proxy_is_used(simulator: Simulator) -> None:
    Client("http://scm.invalid", proxy=simulator.url).fails()

    assert simulator.requests


@pytest.mark.parametrize("mark", ["#", "/", "?", "\\", "@", "\uff03", "["])
def test_a_variable_that_is_no_proxy_is_said_so_without_any_of_it(monkeypatch: pytest.MonkeyPatch, mark: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://user:hunter{mark}2@127.0.0.1:1")
    client = Client("http://scm.invalid")

    error = client.fails()

    assert (error.reason, error.detail) == (
        Reason.UNREACHABLE,
        "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY: expected a proxy such as http://user:password@proxy.example:3128, "
        "with special characters of user and password percent-encoded",
    )
    assert not client.wire.exchanges
    assert not client.wire.retries


def test_the_settings_do_not_show_the_password_of_a_proxy() -> None:
    assert "hunter2" not in repr(TransportSettings(proxy="http://user:hunter2@proxy.example"))


@pytest.fixture
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """A server that remembers the first request and refuses it."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve() -> None:
        with listener.accept()[0] as connection:
            heard.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
    thread.join(10)
    listener.close()


def test_credentials_that_nobody_configured_are_not_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listening: tuple[str, list[bytes]]
) -> None:
    url, heard = listening
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password hunter2\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))

    Client(url, request_timeout=2.0).fails()

    assert b"GET /v3/scm/csr" in heard[0]
    assert b"authorization" not in heard[0].lower()


def test_throttling_that_is_kept_to_is_never_met(simulator: Simulator, account: SimulatedAccount) -> None:
    simulator.inject(None, Fault(Throttle(per_second=5)))
    transport = Transport(TransportSettings(requests_per_second=4.0), wire := Wire())
    transport.start(60)

    for _ in range(7):
        request = requests.Request("GET", f"{simulator.url}/v3/scm/csr", headers={"X-Auth-Token": account.token})
        transport.send(Service.SCM, transport.prepare(request))

    assert {exchange.code for exchange in wire.exchanges} == {"200"}
