"""Whether the service can be reached: its name, a connection to it, its certificate. No credentials are sent."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http import HTTPStatus
from typing import Any

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context
from urllib3.util.ssltransport import SSLTransport

from csr_exporter.cloud.timed import CONNECT_TIMEOUT
from csr_exporter.cloud.transport import TransportSettings
from csr_exporter.commands.check.report import Finding, Outcome, Step, StepFailedError
from csr_exporter.commands.check.route import PORTS, Peer, Proxy, Route
from csr_exporter.inventory import ADVICE, Reason
from csr_exporter.text import clean

DAY = 86_400.0
DAYS_TO_ROTATE = 14
"""Days before the end of a certificate from which it is worth a warning: automation renews earlier."""

SHOWN_ADDRESSES = 2

_X509_ADVICE = {
    9: "check this machine's clock",
    10: "the owner of the service has to renew it; if it is not theirs, find out what intercepts TLS",
    18: "set ca_file to it if it is the service's own, or find out what intercepts TLS",
    19: "set ca_file to the authority that signed it, or find out what intercepts TLS",
    20: "set ca_file to the authority that signed it, or find out what intercepts TLS",
    62: "check the endpoint: another service answers there",
    64: "check the endpoint: another service answers there",
}
"""By the code that OpenSSL has for it (``X509_V_ERR``): not yet valid, expired, self-signed, unknown, another name."""


def reach(route: Route, settings: TransportSettings, deadline: float) -> Iterator[Finding]:
    """Resolve, connect and shake hands by *deadline* on the monotonic clock. Raises `StepFailedError`."""
    addresses = _resolve(route)
    yield Finding(Step.NAME, Outcome.OK, _resolved(route, addresses))
    started = time.monotonic()
    connection, number = _connect(route.first, addresses, deadline)
    with closing(connection):
        milliseconds = (time.monotonic() - started) * 1000
        via = "the proxy at " if route.proxy else ""
        where = Peer(number, route.first.port, secure=False)
        yield Finding(Step.CONNECTION, Outcome.OK, f"to {via}{where} in {milliseconds:.0f} ms")
        yield _encryption(route, connection, settings)


# --- name and connection ----------------------------------------------------------------------------------------------


def _resolve(route: Route) -> list[tuple[Any, ...]]:
    if route.proxy and route.proxy.scheme not in PORTS:
        detail = f"a proxy of kind {route.proxy.scheme} is on the way, which is not supported"
        raise StepFailedError(Step.NAME, clean(detail), "use one of kind http or https, or NO_PROXY for the service")
    peer = route.first
    try:
        return socket.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        detail = f"{peer.host}: {_words(error)}"
        advice = "check the name in endpoint or proxy, and the name servers of this machine"
        raise StepFailedError(Step.NAME, detail, advice) from None


def _resolved(route: Route, addresses: list[tuple[Any, ...]]) -> str:
    numbers = list(dict.fromkeys(each[4][0] for each in addresses))
    more = f" and {len(numbers) - SHOWN_ADDRESSES} more" if len(numbers) > SHOWN_ADDRESSES else ""
    found = f"{route.first.host} is {', '.join(numbers[:SHOWN_ADDRESSES])}{more}"
    if numbers == [route.first.host]:
        found = f"{route.first.host} is an address"
    return f"{found}; it is the proxy's, which resolves {route.service.host}" if route.proxy else found


def _connect(peer: Peer, addresses: list[tuple[Any, ...]], deadline: float) -> tuple[socket.socket, str]:
    """A connection to the first of *addresses* that takes one, and which that is."""
    error: OSError = TimeoutError()
    for family, kind, protocol, _, address in addresses:
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(max(0.001, min(CONNECT_TIMEOUT, deadline - time.monotonic())))
        try:
            connection.connect(address)
        except OSError as refused:
            connection.close()
            error = refused
        else:
            return connection, address[0]
    advice = "check the port in endpoint or proxy, and the firewall; a proxy may be needed"
    raise StepFailedError(Step.CONNECTION, f"{peer}: {_words(error)}", advice)


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    return clean(getattr(error, "strerror", None) or str(error) or type(error).__name__)


# --- encryption -------------------------------------------------------------------------------------------------------


def _encryption(route: Route, connection: socket.socket, settings: TransportSettings) -> Finding:
    if not route.service.secure:
        return _plain(route)
    context = _verifying(settings)
    try:
        with ExitStack() as connections:
            inner = connection
            if route.proxy:
                inner = connections.enter_context(closing(_spoken_to(route.proxy, connection, context)))
                _tunnel(route.proxy, route.service, inner)
            return _verified(connections.enter_context(closing(_encrypted(inner, context, route.service))), settings)
    except ssl.SSLCertVerificationError as error:
        return _untrusted(error, settings)
    except (OSError, http.client.HTTPException) as error:
        detail = f"no encrypted connection: {_words_of_tls(error)}"
        raise StepFailedError(Step.TLS, detail, ADVICE[Reason.TLS]) from None


def _plain(route: Route) -> Finding:
    if route.service.host in {"localhost", "::1"} or route.service.host.startswith("127."):
        return Finding(Step.TLS, Outcome.OK, "none, within this machine")
    return Finding(
        Step.TLS,
        Outcome.WARNING,
        "none, as insecure_plain_http has it: anyone on the way can read the credentials",
        "use an https:// endpoint",
    )


def _verifying(settings: TransportSettings) -> ssl.SSLContext:
    """What the transport verifies with: the authorities of ca_file, else those that requests comes with."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    try:
        context.load_verify_locations(settings.ca_file or DEFAULT_CA_BUNDLE_PATH)
    except OSError:
        detail = f"ca_file: {settings.ca_file} cannot be read or holds no certificate in PEM"
        raise StepFailedError(Step.TLS, detail, "correct ca_file") from None
    context.check_hostname = True
    return context


def _spoken_to(proxy: Proxy, connection: socket.socket, context: ssl.SSLContext) -> socket.socket:
    """What *proxy* understands: *connection*, or TLS on top of it."""
    return context.wrap_socket(connection, server_hostname=proxy.peer.host) if proxy.peer.secure else connection


def _tunnel(proxy: Proxy, service: Peer, connection: socket.socket) -> None:
    """Have *proxy* connect to *service*. Raises `StepFailedError` when it will not."""
    headers = {"Host": str(service), **{name.title(): value for name, value in proxy.headers.items()}}
    lines = [f"CONNECT {service} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    connection.sendall("\r\n".join(lines).encode("latin-1"))
    with closing(http.client.HTTPResponse(connection, method="CONNECT")) as reply:
        reply.begin()
    if reply.status != HTTPStatus.OK:
        detail = f"the proxy at {proxy.peer} refuses to connect to {service}: HTTP {reply.status}"
        raise StepFailedError(Step.TLS, detail, "check user, password and rules of the proxy")


def _encrypted(connection: socket.socket, context: ssl.SSLContext, service: Peer) -> ssl.SSLSocket | SSLTransport:
    if isinstance(connection, ssl.SSLSocket):  # a proxy under TLS: Python's own sockets do not nest
        return SSLTransport(connection, context, service.host)
    return context.wrap_socket(connection, server_hostname=service.host)


def _verified(connection: ssl.SSLSocket | SSLTransport, settings: TransportSettings) -> Finding:
    shown: Any = connection.getpeercert()
    ends = ssl.cert_time_to_seconds(shown["notAfter"])
    days = int((ends - time.time()) // DAY)
    date = time.strftime("%Y-%m-%d", time.gmtime(ends))
    detail = clean(f"{connection.version()}, {_named(shown)}, ends {date}, in {days} day{'' if days == 1 else 's'}")
    if not settings.verify:
        advice = "remove insecure_skip_verify: the certificate is good"
        return Finding(Step.TLS, Outcome.WARNING, f"{detail}; not verified", advice)
    if days < DAYS_TO_ROTATE:
        return Finding(Step.TLS, Outcome.WARNING, detail, "the owner of the service has to renew it before then")
    return Finding(Step.TLS, Outcome.OK, detail)


def _named(shown: dict[str, Any]) -> str:
    """Whose certificate it is, and by which authority."""

    def common(role: str) -> str:
        parts = {key: value for relative in shown.get(role, ()) for key, value in relative}
        return str(parts.get("commonName") or parts.get("organizationName") or "unnamed")

    return f"certificate of {common('subject')} by {common('issuer')}"


def _untrusted(error: ssl.SSLCertVerificationError, settings: TransportSettings) -> Finding:
    detail = clean(f"certificate refused: {error.verify_message}")
    advice = _X509_ADVICE.get(error.verify_code, ADVICE[Reason.TLS])
    if settings.verify:
        raise StepFailedError(Step.TLS, detail, advice)
    return Finding(Step.TLS, Outcome.WARNING, f"not verified, as insecure_skip_verify has it; else {detail}", advice)


def _words_of_tls(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return _words(error)
