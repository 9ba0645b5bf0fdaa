"""The cloud as an ASGI application: from the wire to a `Call`, and from a `Reply` to the wire."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from csr_exporter.simulator.cloud import Cloud
from csr_exporter.simulator.exchange import Call, RefusedError, Reply, not_published


@dataclass(frozen=True, slots=True)
class Operation:
    """One API of one service: who claims to call it, and what it answers."""

    service: str
    method: str
    path: str
    claimed: Callable[[Call], str]
    answer: Callable[[Call], Reply]


def operations(cloud: Cloud) -> tuple[Operation, ...]:
    """Everything that is simulated."""
    return (
        Operation("scm", "GET", "/v3/scm/csr", cloud.gateway.claimed, cloud.list_csrs),
        Operation("iam", "POST", "/v3/auth/tokens", cloud.iam.claimed, cloud.iam.issue),
    )


def application(cloud: Cloud, stopping: asyncio.Event) -> Starlette:
    """All operations at one address; whatever else is asked for is not published there."""
    desk = Desk(cloud, stopping)
    app = Starlette(
        routes=[_route(each, desk) for each in operations(cloud)],
        exception_handlers={404: desk.unknown, 405: desk.unknown},
    )
    app.router.redirect_slashes = False
    return app


def _route(operation: Operation, desk: Desk) -> Route:
    """Starlette would answer HEAD wherever it answers GET; the gateway knows the one method."""
    route = Route(operation.path, desk.endpoint(operation))
    route.methods = {operation.method}
    return route


class Desk:
    """Takes requests in, waits as long as the account makes callers wait, and hands replies out."""

    def __init__(self, cloud: Cloud, stopping: asyncio.Event) -> None:
        self._cloud = cloud
        self._stopping = stopping

    def endpoint(self, operation: Operation) -> Callable[[Request], object]:
        """What Starlette calls for *operation*."""

        async def answer(request: Request) -> Response:
            call = await self._read(request, operation.service)
            return await self._handle(operation, call)

        return answer

    async def unknown(self, request: Request, _error: Exception) -> Response:
        """Answer 404 for another path or method."""
        call = await self._read(request, "unknown")
        self._cloud.saw(call, "", 404)
        return self._response(not_published(call).reply, call)

    async def _handle(self, operation: Operation, call: Call) -> Response:
        account = operation.claimed(call)
        if account:
            await self._pause(self._cloud.accounts[account].latency)
        reply = _answer(operation, call)
        self._cloud.saw(call, account, reply.status)
        return self._response(reply, call)

    async def _read(self, request: Request, service: str) -> Call:
        return Call(
            service=service,
            method=request.method,
            path=request.scope["raw_path"].decode("latin-1"),
            query=request.scope["query_string"].decode("latin-1"),
            headers=dict(request.headers),
            body=await request.body(),
            now=self._cloud.clock(),
            request_id=uuid.uuid4().hex,
        )

    async def _pause(self, seconds: float) -> None:
        """Wait *seconds*, or until the simulator stops."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)

    def _response(self, reply: Reply, call: Call) -> Response:
        date = formatdate(self._cloud.clock(), usegmt=True)
        headers = {"Date": date, "X-Request-Id": call.request_id, **reply.headers}
        return Response(reply.body, reply.status, headers)


def _answer(operation: Operation, call: Call) -> Reply:
    try:
        return operation.answer(call)
    except RefusedError as refused:
        return refused.reply
