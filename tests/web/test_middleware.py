"""The middleware: users, limits on concurrent requests, and the headers of every reply."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import bcrypt
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from csr_exporter.web.config import ActiveConfig, Users
from csr_exporter.web.middleware import SECURITY_HEADERS, AccessMiddleware, RequestLimits
from tests.processes import until
from tests.web.serving import DEADLINE, Served, served

HASHED = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()


class Pages:
    """A page that can be held up."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.asked = 0

    @property
    def routes(self) -> list[Route]:
        return [Route("/", self.page), Route("/prefix/-/healthy", self.healthy)]

    async def healthy(self, request: Request) -> Response:  # noqa: ARG002 - the signature of a handler
        return PlainTextResponse("healthy\n")

    def page(self, request: Request) -> Response:
        self.asked += 1
        assert self.open.wait(DEADLINE)
        own = request.query_params.get("own")
        return PlainTextResponse("a page\n", headers={"Content-Security-Policy": own} if own else None)


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest.fixture
def start(pages: Pages) -> Iterator[Callable[..., Served]]:
    """Serve *pages* behind the middleware, with a configuration and limits."""
    running = []

    def begin(config: ActiveConfig | None = None, limits: RequestLimits | None = None) -> Served:
        configured = config or ActiveConfig()
        block = served(AccessMiddleware(Starlette(routes=pages.routes), lambda: configured, limits))
        running.append(block)
        return block.__enter__()

    yield begin
    pages.open.set()
    for block in running:
        block.__exit__(None, None, None)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# --- Users ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": basic("alice", "right")}, 200),
        ({"Authorization": basic("alice", "wrong")}, 401),
        ({"Authorization": basic("mallory", "right")}, 401),
        ({"Authorization": "Bearer right"}, 401),
        ({"Authorization": "Basic \xff\xff"}, 401),
        ({}, 401),
    ],
)
def test_only_users_with_their_password_get_pages(
    start: Callable[..., Served], pages: Pages, headers: dict[str, Any], status: int
) -> None:
    server = start(ActiveConfig(users=Users({"alice": HASHED})))

    reply = server.get(**headers)

    assert (reply.status, pages.asked) == (status, int(status == 200))
    if status == 401:
        assert reply.headers["WWW-Authenticate"] == 'Basic realm="csr-exporter", charset="UTF-8"'
        assert reply.body == b"Unauthorized\n"


def test_what_is_not_there_is_not_told_to_strangers(start: Callable[..., Served]) -> None:
    server = start(ActiveConfig(users=Users({"alice": HASHED})))

    assert [server.get(path).status for path in ("/", "/nope", "/-/healthy")] == [401] * 3


def test_a_password_costs_one_bcrypt_however_often_it_comes(
    start: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []

    def check(password: bytes, hashed: bytes) -> bool:
        checked.append(password)
        return bcrypt.hashpw(password, hashed) == hashed

    monkeypatch.setattr("csr_exporter.web.config.users.bcrypt.checkpw", check)
    server = start(ActiveConfig(users=Users({"alice": HASHED})))

    assert [server.get(Authorization=basic("alice", "right")).status for _ in range(5)] == [200] * 5
    assert checked == [b"right"]


def test_known_users_are_served_while_strangers_queue_and_too_many_strangers_are_sent_away(
    start: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = RequestLimits(passwords=2, attempts=9, failure_seconds=0)
    server = start(ActiveConfig(users=Users({"alice": HASHED})), limits)
    assert server.get(Authorization=basic("alice", "right")).status == 200
    verify = threading.Event()

    def check(password: bytes, hashed: bytes) -> bool:  # noqa: ARG001 - the signature of bcrypt
        return not verify.wait(DEADLINE)

    monkeypatch.setattr("csr_exporter.web.config.users.bcrypt.checkpw", check)
    with ThreadPoolExecutor() as threads:
        strangers = [threads.submit(server.get, Authorization=basic("mallory", "guess")) for _ in range(3)]
        refused = next(as_completed(strangers, DEADLINE)).result()

        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert server.get(Authorization=basic("alice", "right")).status == 200
        verify.set()
        assert sorted(each.result(DEADLINE).status for each in strangers) == [401, 401, 503]


class NotingUsers(Users):
    """Users who note each password that is verified."""

    verified: Sequence[bytes] = ()

    def verify(self, user: str, password: bytes) -> bool:
        self.verified = [*self.verified, password]
        return super().verify(user, password)


@pytest.mark.parametrize(
    ("addresses", "verified"),
    [
        (["192.0.2.1", "192.0.2.1", "192.0.2.2"], [True, False, True]),
        (["2001:db8::1", "2001:db8::2:3", "2001:db8:0:1::1"], [True, False, True]),
        (["::ffff:192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.2"], [True, False, True]),
    ],
    ids=["IPv4", "IPv6 by network", "IPv4 on a socket of IPv6"],
)
def test_wrong_passwords_keep_only_their_own_address_waiting(addresses: list[str], verified: list[bool]) -> None:
    """An address has one attempt at a time, and a failed one takes its time; others are verified meanwhile."""
    users = NotingUsers({"alice": HASHED})
    limits = RequestLimits(attempts=1, failure_seconds=3600)
    middleware = AccessMiddleware(PlainTextResponse("a page\n"), lambda: ActiveConfig(users=users), limits)

    async def statuses() -> list[int | None]:
        flood = [asyncio.create_task(status_for(middleware, each, "guess")) for each in addresses]
        await asyncio.to_thread(until, lambda: len(users.verified) == sum(verified))
        elsewhere = await status_for(middleware, "198.51.100.1", "right")
        found = [each.result() if each.done() else None for each in flood]
        for each in flood:
            each.cancel()
        return [*found, elsewhere]

    assert asyncio.run(statuses()) == [*(None if each else 503 for each in verified), 200]


def test_wrong_passwords_delay_no_right_one_of_the_same_address() -> None:
    users = NotingUsers({"alice": HASHED})
    limits = RequestLimits(attempts=3, failure_seconds=3600)
    middleware = AccessMiddleware(PlainTextResponse("a page\n"), lambda: ActiveConfig(users=users), limits)

    async def statuses() -> list[int]:
        wrong = [asyncio.create_task(status_for(middleware, "192.0.2.1", "guess")) for _ in range(2)]
        await asyncio.to_thread(until, lambda: len(users.verified) == len(wrong))
        right = [await status_for(middleware, "192.0.2.1", "right") for _ in range(2)]
        for each in wrong:
            each.cancel()
        return right

    assert asyncio.run(asyncio.wait_for(statuses(), DEADLINE)) == [200, 200]


async def status_for(application: ASGIApp, address: str, password: str) -> int:
    """What *application* answers alice at *address*."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    headers = [(b"authorization", basic("alice", password).encode())]
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": "/", "client": (address, 1)}
    await application({**scope, "headers": headers, "state": {"drop": lambda: None}}, receive, send)
    return int(sent[0]["status"])


# --- How much at once -------------------------------------------------------------------------------------------------


def test_those_who_find_no_place_are_told_to_come_again_but_probes_are_answered(
    start: Callable[..., Served], pages: Pages
) -> None:
    server = start(limits=RequestLimits(pending=2))
    pages.open.clear()

    with ThreadPoolExecutor() as threads:
        waiting = [threads.submit(server.get) for _ in range(2)]
        until(lambda: pages.asked == 2)
        refused = server.get()
        probed = server.get("/prefix/-/healthy")
        pages.open.set()

        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert refused.body == b"Too many requests at once.\n"
        assert probed.status == 200
        assert [each.result(DEADLINE).status for each in waiting] == [200, 200]
        assert server.get().status == 200


# --- Headers ----------------------------------------------------------------------------------------------------------


def test_configured_headers_come_before_those_of_a_page_and_ours(start: Callable[..., Served]) -> None:
    configured = {"X-Frame-Options": "sameorigin", "Strict-Transport-Security": "max-age=60"}
    server = start(ActiveConfig(headers=configured))

    ours, own = server.get(), server.get("/?own=default-src%20'self'")

    assert {name: ours.headers[name] for name in SECURITY_HEADERS} == {
        **SECURITY_HEADERS,
        "X-Frame-Options": "sameorigin",
    }
    assert ours.headers["Strict-Transport-Security"] == "max-age=60"
    assert own.headers.get_all("Content-Security-Policy") == ["default-src 'self'"]

    strict = start(ActiveConfig(headers={"Content-Security-Policy": "default-src 'none'"}))

    assert strict.get("/?own=x").headers.get_all("Content-Security-Policy") == ["default-src 'none'"]


def test_a_refusal_has_the_headers_too(start: Callable[..., Served]) -> None:
    server = start(ActiveConfig(users=Users({"alice": HASHED}), headers={"Strict-Transport-Security": "max-age=60"}))

    refused = server.get()

    assert refused.headers["Strict-Transport-Security"] == "max-age=60"
    assert {each.lower() for each in SECURITY_HEADERS} <= {each.lower() for each in refused.headers}
