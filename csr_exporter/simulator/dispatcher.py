"""From HTTP requests to the operations that answer them, with the faults that strike on the way."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import formatdate

from starlette.requests import Request
from starlette.responses import Response

from csr_exporter.simulator.cloud import Cloud
from csr_exporter.simulator.faults import Break, Effect, Latency, Mutation, RawReply, Status
from csr_exporter.simulator.messages import ApiReply, Call, RefusedError
from csr_exporter.simulator.raw import broken_response, raw_response
from csr_exporter.simulator.refusals import reply_with


@dataclass(frozen=True, slots=True)
class Operation:
    """One API of one service: who claims to call it, and what it answers."""

    service: str
    method: str
    path: str
    claimed: Callable[[Call], str]
    answer: Callable[[Call], ApiReply]


class Dispatcher:
    """Reads requests, applies faults, and sends the replies of operations."""

    def __init__(self, cloud: Cloud, dropped: asyncio.Event) -> None:
        self._cloud = cloud
        self._dropped = dropped

    async def handle(self, operation: Operation, request: Request) -> Response:
        """The answer of *operation*, unless a fault has another."""
        call = await self._read(request, operation)
        if call.account:
            await self._pause(self._cloud.accounts[call.account].latency)
        for effect in self._cloud.faults.strike(call.account, call.service):
            if response := await self._apply(effect, operation, call):
                return response
        return self._respond(_reply(operation, call), call)

    async def _apply(self, effect: Effect, operation: Operation, call: Call) -> Response | None:
        """The response that *effect* has, or None after it did what it does."""
        match effect:
            case Latency(seconds):
                await self._pause(seconds)
            case Mutation(change) if call.account and call.service == "scm":
                self._cloud.stores[call.account].mutate(change, call.now)
            case Status():
                return self._respond(reply_with(effect, call), call)
            case RawReply():
                self._cloud.saw(call, effect.status)
                return raw_response(effect)
            case Break():
                self._cloud.saw(call, None)
                reply = _reply(operation, call) if effect.in_body else ApiReply(0)
                return broken_response(effect, replace(reply, headers=self._headers(reply, call)))
        return None

    def _respond(self, reply: ApiReply, call: Call) -> Response:
        self._cloud.saw(call, reply.status)
        return Response(reply.body, reply.status, self._headers(reply, call))

    def _headers(self, reply: ApiReply, call: Call) -> dict[str, str]:
        date = formatdate(self._cloud.clock(), usegmt=True)
        return {"Date": date, "X-Request-Id": call.request_id, **reply.headers}

    async def _read(self, request: Request, operation: Operation) -> Call:
        call = Call(
            service=operation.service,
            method=request.method,
            path=request.scope["raw_path"].decode("latin-1"),
            query=request.scope["query_string"].decode("latin-1"),
            headers=dict(request.headers),
            body=await request.body(),
            now=self._cloud.clock(),
            request_id=uuid.uuid4().hex,
        )
        return replace(call, account=operation.claimed(call))

    async def _pause(self, seconds: float) -> None:
        """Wait *seconds*, or until the simulator has stopped and dropped everyone."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._dropped.wait(), seconds)


def _reply(operation: Operation, call: Call) -> ApiReply:
    try:
        return operation.answer(call)
    except RefusedError as refused:
        return refused.reply
