"""Asking a running exporter whether it lives, for container engines and others that want a command for it."""

from __future__ import annotations

import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection, responses

from csr_exporter.web.server import Address
from csr_exporter.web.sites import Web

TIMEOUT = 5.0
"""Seconds; a probe answers at once, whatever clouds do."""

OWN_HOST = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where all addresses are listened on, loopback is one of them


class UnhealthyError(Exception):
    """The exporter does not live, or does not say so; the message is ready for the terminal."""


def health(web: Web) -> str:
    """What the exporter that *web* serves says of its health. Raises `UnhealthyError`."""
    address = web.probe_address or web.addresses[0]
    context = None if web.probe_address else _context(web)
    path = "/-/healthy" if web.probe_address else f"{web.prefix}/-/healthy"
    try:
        status, text = _get(address, path, context)
    except (OSError, HTTPException) as error:
        raise UnhealthyError(f"{address.host}:{address.port} does not answer: {error}") from None
    if status in {401, 403}:
        raise UnhealthyError(
            f"{address.host}:{address.port} wants to know who asks; --web.probe-address has health open to everyone"
        )
    if status != 200:  # noqa: PLR2004 - the status of success
        raise UnhealthyError(text if status == 503 else f"HTTP {status} {responses.get(status, '')}".strip())  # noqa: PLR2004 - what the page itself answers when polls have stopped
    return text


def _context(web: Web) -> ssl.SSLContext | None:
    """Encryption where *web* has it. The certificate has another name than loopback, and nothing secret is sent."""
    if web.config is None or web.config.in_force().context is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _get(address: Address, path: str, context: ssl.SSLContext | None) -> tuple[int, str]:
    host = OWN_HOST.get(address.host, address.host)
    if context:
        connection: HTTPConnection = HTTPSConnection(host, address.port, timeout=TIMEOUT, context=context)
    else:
        connection = HTTPConnection(host, address.port, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read().decode("utf-8", "replace").strip()
    finally:
        connection.close()
