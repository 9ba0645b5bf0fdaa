"""Responses that no HTTP server would send: exact bytes, half of them, or none; connections that hang or break.

uvicorn gives applications no access to the connection, so its protocol puts the transport into the state of every
request.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from csr_exporter.simulator.faults import Break, RawReply
from csr_exporter.simulator.messages import ApiReply

_NO_LINGER = struct.pack("ii", 1, 0)
"""Option SO_LINGER, on with zero seconds: closing sends RST and drops what was not sent."""


class ExposedProtocol(H11Protocol):
    """The protocol of uvicorn, with its transport in ``scope["state"]``."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class RawResponse(Response):
    """Writes *payload* past the server, then ends the connection, or lets it hang.

    It is done when the connection is gone, be it by the client or because the simulator stops.
    """

    def __init__(self, payload: bytes, then: Break) -> None:
        super().__init__()
        self.payload = payload
        self.then = then

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - it is not used
        transport: asyncio.Transport = scope["state"]["transport"]
        if self.payload:
            transport.write(self.payload)
        match self.then.by:
            case "reset":
                reset(transport)
            case "close":
                transport.close()
            case "hang":
                pass
        while (await receive())["type"] != "http.disconnect":
            pass


def raw_response(reply: RawReply) -> RawResponse:
    """All of *reply*, then the end of the connection."""
    body = reply.body * reply.repeat
    return RawResponse(_head(reply.status, _with_length(reply, body)) + body, Break("close"))


def broken_response(broken: Break, reply: ApiReply) -> RawResponse:
    """Nothing, or half of the body of *reply* under headers that promise all of it; then *broken*."""
    if not broken.in_body:
        return RawResponse(b"", broken)
    head = _head(reply.status, [*reply.headers.items(), ("Content-Length", str(len(reply.body)))])
    return RawResponse(head + reply.body[: len(reply.body) // 2], broken)


def reset(transport: asyncio.Transport) -> None:
    """End the connection by RST."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


def _with_length(reply: RawReply, body: bytes) -> list[tuple[str, str]]:
    given = {name.lower() for name, _ in reply.headers}
    bodiless = reply.status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
    if bodiless or given & {"content-length", "transfer-encoding"}:
        return [*reply.headers]
    return [*reply.headers, ("Content-Length", str(len(body)))]


def _head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "Connection: close", "\r\n"]).encode()
