"""The cloud as an ASGI application: what is at which path."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from csr_exporter.simulator.cloud import Cloud
from csr_exporter.simulator.control import read_faults, show_faults
from csr_exporter.simulator.dispatcher import Dispatcher, Operation
from csr_exporter.simulator.federation import POD_IDENTITY_PATH
from csr_exporter.simulator.messages import ApiReply, Call, not_published
from csr_exporter.simulator.metadata import ECS_PATH, KEY_PATH, TOKEN_PATH


def operations(cloud: Cloud) -> tuple[Operation, ...]:
    """Everything that is simulated."""
    federation, metadata = cloud.federation, cloud.metadata
    ecs = f"{ECS_PATH}{{account}}"
    return (
        Operation("scm", "GET", "/v3/scm/csr", cloud.authenticator.claimed, cloud.list_csrs),
        Operation("iam", "POST", "/v3/auth/tokens", cloud.iam.claimed, cloud.iam.issue),
        Operation("iam", "POST", "/v3.0/OS-AUTH/id-token/tokens", federation.claimed, federation.unscoped_token),
        Operation("iam", "POST", "/v3.0/OS-CREDENTIAL/securitytokens", federation.claimed, federation.keys_for_token),
        Operation("iam", "POST", "/v5/agencies/assume-with-oidc", federation.claimed, federation.assume_agency),
        Operation("iam", "POST", POD_IDENTITY_PATH, federation.claimed, federation.pod_identity),
        Operation("metadata", "PUT", TOKEN_PATH, metadata.claimed, metadata.issue_token),
        Operation("metadata", "GET", KEY_PATH, metadata.claimed, metadata.security_key),
        Operation("metadata", "PUT", ecs + TOKEN_PATH, metadata.claimed, metadata.issue_token),
        Operation("metadata", "GET", ecs + KEY_PATH, metadata.claimed, metadata.security_key),
    )


def application(cloud: Cloud, dropped: asyncio.Event) -> Starlette:
    """All operations at one address; whatever else is asked for is not published there.

    *dropped* is set when no connection is left, so nobody need wait any longer to be answered.
    """
    dispatcher = Dispatcher(cloud, dropped)
    unknown = Operation("unknown", "", "", lambda _call: "", _not_published)

    async def answer_unknown(request: Request, _error: Exception) -> Response:
        return await dispatcher.handle(unknown, request)

    app = Starlette(
        routes=[*(_route(each, dispatcher) for each in operations(cloud)), *_control(cloud)],
        exception_handlers={404: answer_unknown, 405: answer_unknown},
    )
    app.router.redirect_slashes = False
    return app


def _not_published(call: Call) -> ApiReply:
    raise not_published(call)


def _route(operation: Operation, dispatcher: Dispatcher) -> Route:
    """Starlette would answer HEAD wherever it answers GET; the gateway knows the one method."""

    async def answer(request: Request) -> Response:
        return await dispatcher.handle(operation, request)

    route = Route(operation.path, answer)
    route.methods = {operation.method}
    return route


def _control(cloud: Cloud) -> list[Route]:
    """Faults over HTTP, as `control` describes."""

    async def show(_request: Request) -> Response:
        return JSONResponse(show_faults(cloud.faults.in_effect()))

    async def replace(request: Request) -> Response:
        try:
            cloud.replace_faults(read_faults(await request.json()))
        except (LookupError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return await show(request)

    async def clear(request: Request) -> Response:
        cloud.faults.clear(request.query_params.get("account"))
        return await show(request)

    path = "/_simulator/faults"
    endpoints = {"GET": show, "PUT": replace, "DELETE": clear}
    return [Route(path, endpoint, methods=[method]) for method, endpoint in endpoints.items()]
