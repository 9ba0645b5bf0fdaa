"""From the settings of TLS to the context of Python's ssl module."""

from __future__ import annotations

import ipaddress
import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from csr_exporter.config import ConfigError

if TYPE_CHECKING:
    from csr_exporter.web.config.model import TlsServerConfig

VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}

VERIFY_MODES = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


@dataclass(frozen=True, slots=True)
class ServerTls:
    """How connections are encrypted, and which clients may connect."""

    context: ssl.SSLContext
    allowed_sans: frozenset[str] | None = None

    @classmethod
    def of(cls, tls: TlsServerConfig, origin: str) -> ServerTls:
        """What *tls* asks for. Raises `ConfigError` with all mistakes in the files, each after *origin*."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = VERSIONS[tls.min_version]
        context.maximum_version = VERSIONS[tls.max_version]
        context.set_alpn_protocols(["http/1.1"])
        # Renegotiating costs a client little and us much. Go, whose format this is, does not allow it either.
        context.options |= ssl.OP_NO_RENEGOTIATION
        if not tls.prefer_server_cipher_suites:
            context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        steps = (_load_certificate, _load_client_authorities)
        if mistakes := [mistake for step in steps if (mistake := step(context, tls))]:
            raise ConfigError(f"{origin}: tls_server_config.{mistake}" for mistake in mistakes)
        return cls(context, frozenset(tls.client_allowed_sans) if tls.client_allowed_sans else None)

    @property
    def strictness(self) -> int:
        """0 if anyone may connect, 1 if it takes a certificate, 2 if that must have certain names."""
        return 2 if self.allowed_sans is not None else int(self.context.verify_mode == ssl.CERT_REQUIRED)

    def allows(self, certificate: Any) -> bool:  # noqa: ANN401 - as `getpeercert` gives it
        """Whether a client with this *certificate*, already verified, may connect."""
        return self.allowed_sans is None or not self.allowed_sans.isdisjoint(alternative_names(certificate))


def _load_certificate(context: ssl.SSLContext, tls: TlsServerConfig) -> str | None:
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
    """The path of *file*, or one that *pem* can be read from: in memory, as a private key should not be on a disk."""
    if file is not None:
        yield str(file)
        return
    with _anonymous_file() as memory:
        memory.write((pem or "").encode())
        memory.seek(0)
        yield f"/dev/fd/{memory.fileno()}"


def _anonymous_file() -> IO[bytes]:
    return os.fdopen(os.memfd_create("pem"), "r+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()


def _load_client_authorities(context: ssl.SSLContext, tls: TlsServerConfig) -> str | None:
    context.verify_mode = VERIFY_MODES[tls.client_auth_type]
    try:
        if tls.client_ca_file or tls.client_ca:
            context.load_verify_locations(tls.client_ca_file, cadata=tls.client_ca)
    except ssl.SSLError:
        return f"{'client_ca_file' if tls.client_ca_file else 'client_ca'}: expected certificates in PEM"
    except OSError as error:
        return f"client_ca_file: cannot be read: {error.strerror}"
    return None


def alternative_names(certificate: Any) -> frozenset[str]:  # noqa: ANN401 - a nest of tuples, None without a certificate
    """The subject alternative names of *certificate* as `getpeercert` gives it: DNS, IP, e-mail and URI."""
    return frozenset(
        _short_address(value) if kind == "IP Address" else value
        for kind, value in (certificate or {}).get("subjectAltName", ())
        if kind in {"DNS", "IP Address", "email", "URI"}
    )


def _short_address(address: str) -> str:
    """``::1`` for what OpenSSL prints as ``0:0:0:0:0:0:0:1``; other text as it is."""
    try:
        return str(ipaddress.ip_address(address.strip()))
    except ValueError:
        return address
