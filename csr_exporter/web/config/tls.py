"""From the settings of TLS to what Python's ssl module makes connections with."""

from __future__ import annotations

import ipaddress
import os
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from csr_exporter.config import ConfigError
from csr_exporter.web.config.model import TlsServerConfig
from csr_exporter.web.config.names import CIPHERS, CURVES

VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}

VERIFYING = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


class _Context(ssl.SSLContext):
    """Makes connections that end in the handshake where a client has none of the names allowed."""

    allowed: frozenset[str] | None = None


class _Connection(ssl.SSLObject):
    def do_handshake(self) -> None:
        super().do_handshake()
        allowed = self.context.allowed if isinstance(self.context, _Context) else None
        if allowed is not None and allowed.isdisjoint(alternative_names(self.getpeercert())):
            raise ssl.SSLCertVerificationError("the client's certificate has none of client_allowed_sans")


class Rotating(ssl.SSLContext):
    """Makes each connection with the context that *current* gives at that moment.

    Connections that exist go on as they began. asyncio makes every connection by `wrap_bio`; to swap the context in
    an ``sni_callback`` would not do, for that leaves the old rules for client certificates and versions in force.
    """

    _current: Callable[[], ssl.SSLContext]

    @classmethod
    def of(cls, current: Callable[[], ssl.SSLContext]) -> Rotating:
        rotating = cls(ssl.PROTOCOL_TLS_SERVER)
        rotating._current = current
        return rotating

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:  # noqa: ANN401 - handed on
        return self._current().wrap_bio(*arguments, **named)


def context_for(tls: TlsServerConfig, origin: str) -> ssl.SSLContext:
    """What *tls* asks for. Raises `ConfigError` with all mistakes in the files, each after *origin*."""
    context = _Context(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = _Connection
    context.minimum_version = VERSIONS[tls.min_version]
    context.maximum_version = VERSIONS[tls.max_version]
    context.set_alpn_protocols(["http/1.1"])
    # A client that renegotiates without end costs it little and us much. Go, whose format this is, does not allow it.
    context.options |= ssl.OP_NO_RENEGOTIATION
    steps = (_prove_who_we_are, _ask_who_they_are, _choose_ciphers, _choose_curve)
    if mistakes := [mistake for step in steps if (mistake := step(context, tls))]:
        raise ConfigError(f"{origin}: tls_server_config.{mistake}" for mistake in mistakes)
    return context


def _prove_who_we_are(context: _Context, tls: TlsServerConfig) -> str | None:
    cert, key = (f"{name}_file" if getattr(tls, f"{name}_file") else name for name in ("cert", "key"))
    try:
        with ExitStack() as files:
            chain = files.enter_context(_as_file(tls.cert_file, tls.cert))
            private = files.enter_context(_as_file(tls.key_file, tls.key.get_secret_value() if tls.key else None))
            if not _holds_certificates(chain):
                return f"{cert}: expected certificates in PEM"
            # Without a password OpenSSL would ask for it on the terminal.
            context.load_cert_chain(chain, private, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"{key}: expected the key of the certificate in {cert}"
        return f"{key}: expected a private key in PEM, not encrypted"
    except OSError as error:
        return f"{cert}: cannot be read: {error.strerror}"
    return None


def _holds_certificates(file: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(file)
    except ssl.SSLError:
        return False
    return True


@contextmanager
def _as_file(file: Path | None, pem: str | None) -> Iterator[str]:
    """The path of *file*, or one at which *pem* can be read: from memory, as a private key should not be on a disk."""
    if file is not None:
        yield str(file)
        return
    with _nameless() as memory:
        memory.write((pem or "").encode())
        memory.seek(0)
        yield f"/dev/fd/{memory.fileno()}"


def _nameless() -> IO[bytes]:
    return os.fdopen(os.memfd_create("pem"), "r+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()


def _ask_who_they_are(context: _Context, tls: TlsServerConfig) -> str | None:
    context.verify_mode = VERIFYING[tls.client_auth_type]
    context.allowed = frozenset(tls.client_allowed_sans) if tls.client_allowed_sans else None
    try:
        if tls.client_ca_file or tls.client_ca:
            context.load_verify_locations(tls.client_ca_file, cadata=tls.client_ca)
    except ssl.SSLError:
        return f"{'client_ca_file' if tls.client_ca_file else 'client_ca'}: expected certificates in PEM"
    except OSError as error:
        return f"client_ca_file: cannot be read: {error.strerror}"
    return None


def _choose_ciphers(context: _Context, tls: TlsServerConfig) -> str | None:
    if not tls.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    names = [CIPHERS[name] for name in tls.cipher_suites if name in CIPHERS]
    try:
        if names:
            context.set_ciphers(":".join(names))
    except ssl.SSLError:
        return "cipher_suites: expected suites that this OpenSSL has"
    return None


def _choose_curve(context: _Context, tls: TlsServerConfig) -> str | None:
    try:
        for name in tls.curve_preferences:
            context.set_ecdh_curve(CURVES[name])
    except (ssl.SSLError, ValueError):
        return "curve_preferences: expected a curve that this OpenSSL has"
    return None


def alternative_names(certificate: Any) -> frozenset[str]:  # noqa: ANN401 - a nest of tuples, None without a certificate
    """The subject alternative names of *certificate* as `getpeercert` gives it: DNS, IP, e-mail and URI."""
    return frozenset(
        _written_as_usual(value) if kind == "IP Address" else value
        for kind, value in (certificate or {}).get("subjectAltName", ())
        if kind in {"DNS", "IP Address", "email", "URI"}
    )


def _written_as_usual(address: str) -> str:
    """``::1`` for what OpenSSL prints as ``0:0:0:0:0:0:0:1``; text that is no address stays as it is."""
    try:
        return str(ipaddress.ip_address(address.strip()))
    except ValueError:
        return address
