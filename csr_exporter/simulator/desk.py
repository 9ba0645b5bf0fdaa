"""Where requests come in: what is at fault strikes them here, and replies go out."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate

from starlette.requests import Request
from starlette.responses import Response

from csr_exporter.simulator.cloud import Cloud
from csr_exporter.simulator.exchange import Call, RefusedError, Reply
from csr_exporter.simulator.faults import Break, Effect, Latency, Mutation, RawReply, Status
from csr_exporter.simulator.refusals import reply_with
from csr_exporter.simulator.wire import RawAnswer, broken_answer, raw_answer


@dataclass(frozen=True, slots=True)
class Operation:
    """One API of one service: who claims to call it, and what it answers."""

    service: str
    method: str
    path: str
    claimed: Callable[[Call], str]
    answer: Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class _Visit:
    """One call of one operation, by the account it claims."""

    operation: Operation
    call: Call
    account: str


class Desk:
    """Takes requests in, lets faults strike, and hands replies out."""

    def __init__(self, cloud: Cloud, dropped: asyncio.Event) -> None:
        self._cloud = cloud
        self._dropped = dropped

    async def handle(self, operation: Operation, request: Request) -> Response:
        """The answer of *operation*, unless a fault has another."""
        call = await self._read(request, operation.service)
        visit = _Visit(operation, call, operation.claimed(call))
        if visit.account:
            await self._pause(self._cloud.accounts[visit.account].latency)
        for effect in self._cloud.faults.strike(visit.account, operation.service):
            if answer := await self._suffer(effect, visit):
                return answer
        return self._respond(_reply(visit), visit)

    async def _suffer(self, effect: Effect, visit: _Visit) -> Response | None:
        """The answer that *effect* has, or None after it did what it does."""
        match effect:
            case Latency(seconds):
                await self._pause(seconds)
            case Mutation(change) if visit.account and visit.operation.service == "scm":
                self._cloud.holdings[visit.account].mutate(change, visit.call.now)
            case Status():
                return self._respond(reply_with(effect, visit.call), visit)
            case RawReply():
                self._cloud.saw(visit.call, visit.account, effect.status)
                return raw_answer(effect)
            case Break():
                self._cloud.saw(visit.call, visit.account, None)
                return self._broken(effect, visit)
        return None

    def _broken(self, effect: Break, visit: _Visit) -> RawAnswer:
        reply = _reply(visit) if effect.in_body else Reply(0)
        return broken_answer(effect, Reply(reply.status, reply.body, self._headers(reply, visit.call)))

    def _respond(self, reply: Reply, visit: _Visit) -> Response:
        self._cloud.saw(visit.call, visit.account, reply.status)
        return Response(reply.body, reply.status, self._headers(reply, visit.call))

    def _headers(self, reply: Reply, call: Call) -> dict[str, str]:
        date = formatdate(self._cloud.clock(), usegmt=True)
        return {"Date": date, "X-Request-Id": call.request_id, **reply.headers}

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
        """Wait *seconds*, or until the simulator has stopped and dropped everyone."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._dropped.wait(), seconds)


def _reply(visit: _Visit) -> Reply:
    try:
        return visit.operation.answer(visit.call)
    except RefusedError as refused:
        return refused.reply
