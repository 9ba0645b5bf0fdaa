"""Ask a running exporter for its health, for container engines that want a command for it."""

from __future__ import annotations

import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection, responses

from csr_exporter.web.listeners import WebOptions
from csr_exporter.web.server import Address

TIMEOUT = 5.0
"""Seconds; a probe answers at once, whatever clouds do."""

OWN_HOST = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - loopback is one of all addresses


class UnhealthyError(Exception):
    """The exporter is not healthy, or does not answer; the message is ready for the terminal."""


def health(options: WebOptions) -> str:
    """What the exporter served with *options* says of its health. Raises `UnhealthyError`."""
    address, prefix, config = options.addresses[0], options.prefix, options.config
    if options.probe_address:
        address, prefix, config = options.probe_address, "", None
    encrypted = bool(config and config.active().tls)
    try:
        status, text = _get(address, f"{prefix}/-/healthy", encrypted=encrypted)
    except (OSError, HTTPException) as error:
        raise UnhealthyError(f"{address.host}:{address.port} does not answer: {error}") from None
    if status in {401, 403}:
        raise UnhealthyError(
            f"{address.host}:{address.port} wants credentials; --web.probe-address serves health to everyone"
        )
    if status != 200:  # noqa: PLR2004 - the status of success
        raise UnhealthyError(text if status == 503 else f"HTTP {status} {responses.get(status, '')}".strip())  # noqa: PLR2004 - the page says why
    return text


def _get(address: Address, path: str, *, encrypted: bool) -> tuple[int, str]:
    connection = HTTPConnection(OWN_HOST.get(address.host, address.host), address.port, timeout=TIMEOUT)
    if encrypted:
        # Not verified: the certificate has another name than loopback, and nothing secret is sent.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = HTTPSConnection(connection.host, address.port, timeout=TIMEOUT, context=context)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read().decode("utf-8", "replace").strip()
    finally:
        connection.close()
