"""Encryption on real sockets: who is let in, with what, and how certificates rotate."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from starlette.responses import PlainTextResponse, Response

from csr_exporter.web.config import WebConfigFile
from csr_exporter.web.connection import ConnectionLimits
from csr_exporter.web.middleware import AccessMiddleware
from tests.certificates import Authority, Pair
from tests.processes import until
from tests.web.serving import Served, Watched, ask, connected, rest_of, served

REFUSED = (ConnectionError, ssl.SSLError)
"""What a client gets whose handshake fails: under TLS 1.3 it may hear of it only when it reads."""

OURS = Authority("ours")
THEIRS = Authority("theirs")
SCRAPER = OURS.issue(x509.DNSName("prometheus.example"), x509.DNSName("b.example"))
OTHER = OURS.issue(x509.DNSName("other.example"))
STRANGER = THEIRS.issue(x509.DNSName("prometheus.example"))

VERIFYING: dict[str, Any] = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": "ca.crt"}


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Encrypted:
    """A server with a web configuration in *directory*, and the time, which passes when told to."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = Clock()
        self.server: Served

    def configure(self, **settings: Any) -> Path:  # noqa: ANN401 - settings of any type
        file = self.directory / "web.yml"
        given = {"cert_file": "server.crt", "key_file": "server.key", **settings}
        file.write_text(yaml.safe_dump({"tls_server_config": given}), encoding="utf-8")
        return file

    @contextmanager
    def serving(self, limits: ConnectionLimits | None = None, **settings: Any) -> Iterator[Encrypted]:  # noqa: ANN401 - as above
        config = WebConfigFile(self.configure(**settings), self.clock)
        with served(PlainTextResponse("a page\n"), limits, lambda: config.active().tls) as self.server:
            yield self

    def status(self, context: ssl.SSLContext) -> int:
        return self.server.get(context=context).status

    def serial(self, context: ssl.SSLContext) -> int:
        """The serial number of the certificate that a new connection is shown."""
        with connected(self.server.port, context) as connection:
            connection.connect()
            assert isinstance(connection.sock, ssl.SSLSocket)
            return serial_of(connection.sock)


def serial_of(connection: ssl.SSLSocket) -> int:
    shown = connection.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


@pytest.fixture
def encrypted(tmp_path: Path) -> Encrypted:
    OURS.issue().write(tmp_path, "server")
    (tmp_path / "ca.crt").write_bytes(OURS.cert)
    return Encrypted(tmp_path)


@pytest.fixture
def client(tmp_path: Path) -> Callable[..., ssl.SSLContext]:
    """A client that trusts our authority and shows the certificate given, if any."""

    def make(shown: Pair | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=OURS.cert.decode())
        if shown:
            shown.write(tmp_path, "client")
            context.load_cert_chain(tmp_path / "client.crt", tmp_path / "client.key")
        return context

    return make


Client = Callable[..., ssl.SSLContext]


# --- Who is let in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "let_in", "refused"),
    [
        ({}, [None, SCRAPER, STRANGER], []),
        ({"client_auth_type": "VerifyClientCertIfGiven", "client_ca_file": "ca.crt"}, [None, SCRAPER], [STRANGER]),
        (VERIFYING, [SCRAPER, OTHER], [None, STRANGER]),
        ({**VERIFYING, "client_allowed_sans": ["a", "b.example"]}, [SCRAPER], [None, OTHER, STRANGER]),
    ],
    ids=["any", "verified if given", "verified", "named"],
)
@pytest.mark.parametrize("version", ["TLS12", "TLS13"])
def test_clients_are_let_in_by_their_certificates(
    encrypted: Encrypted,
    client: Client,
    version: str,
    settings: dict[str, Any],
    let_in: list[Pair | None],
    refused: list[Pair | None],
) -> None:
    with encrypted.serving(**settings, max_version=version):
        assert [encrypted.status(client(each)) for each in let_in] == [200] * len(let_in)
        for each in refused:
            with pytest.raises(REFUSED):
                encrypted.status(client(each))


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        (x509.DNSName("prometheus.example"), "prometheus.example"),
        (x509.IPAddress(ipaddress.ip_address("192.0.2.1")), "192.0.2.1"),
        (x509.IPAddress(ipaddress.ip_address("2001:db8::1")), "2001:db8::1"),
        (x509.RFC822Name("scraper@example.com"), "scraper@example.com"),
        (x509.UniformResourceIdentifier("spiffe://example/scraper"), "spiffe://example/scraper"),
    ],
)
def test_any_kind_of_name_may_be_allowed(
    encrypted: Encrypted, client: Client, name: x509.GeneralName, allowed: str
) -> None:
    with encrypted.serving(**VERIFYING, client_allowed_sans=[allowed]):
        assert encrypted.status(client(OURS.issue(name))) == 200
        with pytest.raises(REFUSED):
            encrypted.status(client(OURS.issue(x509.DNSName(f"not.{allowed}".replace(":", "").replace("/", "")))))


def test_a_resumed_session_is_held_to_the_names_as_well(encrypted: Encrypted, client: Client) -> None:
    context = client(SCRAPER)
    with encrypted.serving(**VERIFYING, client_allowed_sans=["b.example"], max_version="TLS12"):
        with tls_socket(encrypted, context) as first:
            session = first.session
        with tls_socket(encrypted, context, session) as second:
            assert second.session_reused
        encrypted.configure(**VERIFYING, client_allowed_sans=["nobody.example"], max_version="TLS12")
        encrypted.clock.now += 1
        with pytest.raises(REFUSED), tls_socket(encrypted, context, session):
            pass


@contextmanager
def tls_socket(
    encrypted: Encrypted, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> Iterator[ssl.SSLSocket]:
    with (
        encrypted.server.connect() as plain,
        context.wrap_socket(plain, server_hostname="localhost", session=session) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        if not connection.recv(65536):
            raise ConnectionError("nothing was answered")
        yield connection


# --- With what --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lowest", "highest", "served_"), [("TLS13", "TLS13", "TLSv1.3"), ("TLS12", "TLS12", "TLSv1.2")]
)
def test_versions_are_those_configured(
    encrypted: Encrypted, client: Client, lowest: str, highest: str, served_: str
) -> None:
    other = client()
    other.minimum_version = other.maximum_version = (
        ssl.TLSVersion.TLSv1_2 if lowest == "TLS13" else ssl.TLSVersion.TLSv1_3
    )

    with encrypted.serving(min_version=lowest, max_version=highest):
        with tls_socket(encrypted, client()) as connection:
            assert connection.version() == served_
        with pytest.raises(REFUSED):
            encrypted.status(other)


@pytest.mark.parametrize(("ours", "chosen"), [(True, 256), (False, 128)])
def test_the_cipher_order_is_the_servers_or_the_clients(
    encrypted: Encrypted, client: Client, *, ours: bool, chosen: int
) -> None:
    context = client()
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")

    with (
        encrypted.serving(prefer_server_cipher_suites=ours, max_version="TLS12"),
        tls_socket(encrypted, context) as connection,
    ):
        assert (connection.cipher() or ("",))[0].startswith(f"ECDHE-ECDSA-AES{chosen}")


def test_plain_http_gets_nothing(encrypted: Encrypted) -> None:
    with encrypted.serving(), encrypted.server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

        assert b"HTTP" not in rest_of(connection)


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01"])
def test_a_client_that_does_not_end_its_handshake_is_dropped(encrypted: Encrypted, sent: bytes) -> None:
    with encrypted.serving(ConnectionLimits(request_seconds=0.3)), encrypted.server.connect() as connection:
        connection.sendall(sent)

        assert rest_of(connection) == b""


@pytest.mark.parametrize(
    "limits",
    [
        ConnectionLimits(connections=3, request_seconds=3600),
        ConnectionLimits(handshakes=3, request_seconds=3600),
    ],
)
def test_handshakes_that_do_not_end_make_room_for_others(
    encrypted: Encrypted, client: Client, limits: ConnectionLimits
) -> None:
    with encrypted.serving(limits), connected(encrypted.server.port, client()) as kept, ExitStack() as open_connections:
        assert ask(kept).status == 200
        half_open = [open_connections.enter_context(encrypted.server.connect()) for _ in range(9)]
        for connection in half_open if limits.handshakes == 3 else ():
            connection.sendall(b"\x16\x03\x01")

        assert [encrypted.status(client()) for _ in range(3)] == [200] * 3
        assert ask(kept).status == 200
        assert all(rest_of(each) == b"" for each in half_open[:6])


def test_a_client_that_does_not_read_its_reply_is_dropped(encrypted: Encrypted, client: Client) -> None:
    large = bytes(32 * 1024 * 1024)
    application = Watched(AccessMiddleware(Response(large)))
    config = WebConfigFile(encrypted.configure())

    with (
        served(application, ConnectionLimits(reply_seconds=0.3), lambda: config.active().tls) as server,
        server.connect() as connection,
        client().wrap_socket(connection, server_hostname="localhost") as slow,
    ):
        slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert slow.recv(1) == b"H"

        until(lambda: application.ended)
        assert len(rest_of(slow)) < len(large)


# --- Rotation ---------------------------------------------------------------------------------------------------------


def test_new_connections_see_the_new_certificate_and_the_old_ones_go_on(encrypted: Encrypted, client: Client) -> None:
    with encrypted.serving(), connected(encrypted.server.port, client()) as kept:
        before = ask(kept).status
        old = encrypted.serial(client())
        new = OURS.issue().write(encrypted.directory, "server").serial
        encrypted.clock.now += 1

        assert (encrypted.serial(client()), ask(kept).status, before) == (new, 200, 200)
        assert isinstance(kept.sock, ssl.SSLSocket)
        assert serial_of(kept.sock) == old


def test_a_broken_certificate_leaves_the_old_one_in_use(encrypted: Encrypted, client: Client) -> None:
    with encrypted.serving():
        old = encrypted.serial(client())
        (encrypted.directory / "server.crt").write_text("junk", encoding="utf-8")
        encrypted.clock.now += 1

        assert encrypted.serial(client()) == old


def test_the_rules_for_clients_change_with_the_file(encrypted: Encrypted, client: Client) -> None:
    with encrypted.serving():
        assert encrypted.status(client()) == 200
        encrypted.configure(**VERIFYING, min_version="TLS13")
        encrypted.clock.now += 1

        with pytest.raises(REFUSED):
            encrypted.status(client())
        assert encrypted.status(client(SCRAPER)) == 200
        with tls_socket(encrypted, client(SCRAPER)) as connection:
            assert connection.version() == "TLSv1.3"


def test_authorities_of_clients_rotate(encrypted: Encrypted, client: Client) -> None:
    with encrypted.serving(**VERIFYING):
        assert encrypted.status(client(SCRAPER)) == 200
        (encrypted.directory / "ca.crt").write_bytes(THEIRS.cert)
        encrypted.clock.now += 1

        assert encrypted.status(client(STRANGER)) == 200
        with pytest.raises(REFUSED):
            encrypted.status(client(SCRAPER))


def test_idle_connections_do_not_delay_the_end(encrypted: Encrypted, client: Client) -> None:
    with encrypted.serving(), connected(encrypted.server.port, client()) as kept:
        assert ask(kept).status == 200
        handshaking = socket.create_connection(("127.0.0.1", encrypted.server.port))
        encrypted.server.begin_to_stop()

        assert encrypted.server.ended(4.0)
        handshaking.close()
