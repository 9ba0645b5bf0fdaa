"""Whether the service can be reached: its name, a connection, its certificate. No credentials are sent to it."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_auth_from_url
from urllib3.util import make_headers
from urllib3.util.ssl_ import create_urllib3_context
from urllib3.util.ssltransport import SSLTransport

from csr_exporter.cloud.timed import CONNECT_TIMEOUT
from csr_exporter.cloud.transport import TransportSettings
from csr_exporter.commands.check.report import Finding, Outcome, Step, StepFailedError
from csr_exporter.inventory import ADVICE, Reason, SourceError
from csr_exporter.text import clean

DAY = 86_400.0
DAYS_TO_ROTATE = 14
"""Automation renews certificates earlier than this before they expire."""

SHOWN_ADDRESSES = 2
PORTS = {"http": 80, "https": 443}

_X509_ADVICE = {
    9: "check this machine's clock",
    10: "the service's owner must renew it; if it is not theirs, find out what intercepts TLS",
    18: "if it is the service's own, set ca_file to it; otherwise find out what intercepts TLS",
    **dict.fromkeys((19, 20), "set ca_file to the authority that signed it, or find out what intercepts TLS"),
    **dict.fromkeys((62, 64), "check the endpoint: it leads to another service"),
}
"""By OpenSSL's code (``X509_V_ERR``): not yet valid, expired, self-signed, unknown authority, other host name."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A service, or a proxy with the headers that authenticate to it."""

    scheme: str
    host: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def at(cls, url: str) -> Peer:
        """The peer at *url*, which may have a user and a password."""
        parts = urlsplit(url)
        user, password = get_auth_from_url(url)
        headers = make_headers(proxy_basic_auth=f"{user}:{password}") if user else {}
        return cls(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme], headers)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def check_network(url: str, settings: TransportSettings) -> Iterator[Finding]:
    """Resolve, connect and shake hands as polls would. Raises `StepFailedError`."""
    service, proxy = Peer.at(url), _proxy(url, settings)
    yield _resolve(service, proxy)
    started = time.monotonic()
    with closing(_connect(proxy or service)) as connection:
        milliseconds = (time.monotonic() - started) * 1000
        connected_to = replace(proxy or service, host=connection.getpeername()[0])
        via = "the proxy at " if proxy else ""
        yield Finding(Step.CONNECTION, Outcome.OK, f"to {via}{connected_to} in {milliseconds:.0f} ms")
        yield _check_tls(service, proxy, connection, settings)


def _proxy(url: str, settings: TransportSettings) -> Peer | None:
    try:
        proxies = settings.proxies(url)
    except SourceError as error:
        advice = "use an http or https proxy, or add the service to NO_PROXY"
        raise StepFailedError(Step.NAME, error.detail, advice) from None
    return Peer.at(proxies["all"]) if proxies else None


def _resolve(service: Peer, proxy: Peer | None) -> Finding:
    peer = proxy or service
    try:
        addresses = socket.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        advice = "check the host name in endpoint or proxy, and this machine's DNS"
        raise StepFailedError(Step.NAME, f"{peer.host}: {_reason(error)}", advice) from None
    numbers = [str(number) for number in dict.fromkeys(each[4][0] for each in addresses)]
    more = f" and {len(numbers) - SHOWN_ADDRESSES} more" if len(numbers) > SHOWN_ADDRESSES else ""
    found = f"is {', '.join(numbers[:SHOWN_ADDRESSES])}{more}" if numbers != [peer.host] else "is an address"
    resolver = f"; it is the proxy, which resolves {service.host}" if proxy else ""
    return Finding(Step.NAME, Outcome.OK, f"{peer.host} {found}{resolver}")


def _connect(peer: Peer) -> socket.socket:
    try:
        return socket.create_connection((peer.host, peer.port), CONNECT_TIMEOUT)
    except OSError as error:
        advice = "check the port in endpoint or proxy, and the firewall; a proxy may be needed"
        raise StepFailedError(Step.CONNECTION, f"{peer}: {_reason(error)}", advice) from None


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return clean(getattr(error, "strerror", None) or str(error) or type(error).__name__)


# --- TLS --------------------------------------------------------------------------------------------------------------


def _check_tls(service: Peer, proxy: Peer | None, connection: socket.socket, settings: TransportSettings) -> Finding:
    if service.scheme == "http":
        return _unencrypted(service)
    context = _context(settings)
    try:
        with ExitStack() as wrapped:
            if proxy:
                if proxy.scheme == "https":
                    connection = wrapped.enter_context(context.wrap_socket(connection, server_hostname=proxy.host))
                _open_tunnel(proxy, service, connection)
            return _accepted(wrapped.enter_context(closing(_encrypted(connection, context, service.host))), settings)
    except ssl.SSLCertVerificationError as error:
        return _rejected(error, settings)
    except (OSError, http.client.HTTPException) as error:
        detail = f"no encrypted connection: {_reason(error)}"
        raise StepFailedError(Step.TLS, detail, ADVICE[Reason.TLS]) from None


def _unencrypted(service: Peer) -> Finding:
    if service.host in {"localhost", "::1"} or service.host.startswith("127."):
        return Finding(Step.TLS, Outcome.OK, "none, on loopback")
    detail = "none, because of insecure_plain_http: anyone on the network can read the credentials"
    return Finding(Step.TLS, Outcome.WARNING, detail, "use an https:// endpoint")


def _context(settings: TransportSettings) -> ssl.SSLContext:
    """Verifies as the transport does: by ca_file, or the authorities that requests comes with."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.check_hostname = True
    try:
        context.load_verify_locations(settings.ca_file or DEFAULT_CA_BUNDLE_PATH)
    except OSError:
        detail = f"ca_file: {settings.ca_file} cannot be read or holds no certificate in PEM"
        raise StepFailedError(Step.TLS, detail, "correct ca_file") from None
    return context


def _open_tunnel(proxy: Peer, service: Peer, connection: socket.socket) -> None:
    """Have *proxy* connect to *service*. Raises `StepFailedError` if it refuses."""
    headers = {"Host": str(service), **{name.title(): value for name, value in proxy.headers.items()}}
    lines = [f"CONNECT {service} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    connection.sendall("\r\n".join(lines).encode("latin-1"))
    with closing(http.client.HTTPResponse(connection, method="CONNECT")) as reply:
        reply.begin()
    if reply.status != HTTPStatus.OK:
        detail = f"the proxy at {proxy} refuses to connect to {service}: HTTP {reply.status}"
        raise StepFailedError(Step.TLS, detail, "check the proxy's user, password and rules")


def _encrypted(connection: socket.socket, context: ssl.SSLContext, host: str) -> ssl.SSLSocket | SSLTransport:
    if isinstance(connection, ssl.SSLSocket):  # a proxy under TLS: Python's own sockets do not nest
        return SSLTransport(connection, context, host)
    return context.wrap_socket(connection, server_hostname=host)


def _accepted(connection: ssl.SSLSocket | SSLTransport, settings: TransportSettings) -> Finding:
    certificate: Any = connection.getpeercert()
    expiry = ssl.cert_time_to_seconds(certificate["notAfter"])
    days = int((expiry - time.time()) // DAY)
    names = f"certificate of {_common_name(certificate, 'subject')} by {_common_name(certificate, 'issuer')}"
    date = time.strftime("%Y-%m-%d", time.gmtime(expiry))
    detail = clean(f"{connection.version()}, {names}, expires {date}, in {days} day{'' if days == 1 else 's'}")
    if not settings.verify:
        advice = "remove insecure_skip_verify: the certificate is good"
        return Finding(Step.TLS, Outcome.WARNING, f"{detail}; not verified", advice)
    if days < DAYS_TO_ROTATE:
        return Finding(Step.TLS, Outcome.WARNING, detail, "the service's owner must renew it before then")
    return Finding(Step.TLS, Outcome.OK, detail)


def _common_name(certificate: dict[str, Any], role: str) -> str:
    parts = {key: value for relative in certificate.get(role, ()) for key, value in relative}
    return str(parts.get("commonName") or parts.get("organizationName") or "unnamed")


def _rejected(error: ssl.SSLCertVerificationError, settings: TransportSettings) -> Finding:
    detail = clean(f"certificate rejected: {error.verify_message}")
    advice = _X509_ADVICE.get(error.verify_code, ADVICE[Reason.TLS])
    if settings.verify:
        raise StepFailedError(Step.TLS, detail, advice)
    return Finding(
        Step.TLS, Outcome.WARNING, f"not verified, because of insecure_skip_verify; otherwise {detail}", advice
    )
