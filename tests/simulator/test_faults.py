from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from csr_exporter.simulator import (
    Break,
    ExpireTokens,
    Fault,
    Latency,
    Mutation,
    RawReply,
    SimulatedAccount,
    Simulator,
    Status,
    Throttle,
    outage,
)
from csr_exporter.simulator.control import read_faults, show_faults
from csr_exporter.simulator.faults import Effect
from tests.simulator.client import Client, Clock

ONE, TWO = SimulatedAccount("one"), SimulatedAccount("two")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def simulator(clock: Clock) -> Iterator[Simulator]:
    with Simulator([ONE, TWO], clock=clock) as simulator:
        yield simulator


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def one(simulator: Simulator, session: requests.Session) -> Client:
    return Client(simulator, ONE, session)


@pytest.fixture
def two(simulator: Simulator, session: requests.Session) -> Client:
    return Client(simulator, TWO, session)


def statuses(client: Client, count: int) -> list[int]:
    return [client.get().status_code for _ in range(count)]


@contextmanager
def raw_request(client: Client) -> Iterator[socket.socket]:
    """A connection on which a page of the account was asked for."""
    host, port = client.simulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        request = f"GET /v3/scm/csr HTTP/1.1\r\nHost: {host}\r\nX-Auth-Token: {client.account.token}\r\n\r\n"
        connection.sendall(request.encode())
        yield connection


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(1 << 20), b""))


# Whom a fault strikes, and for how long


def test_a_fault_strikes_the_next_requests_of_its_account_only(one: Client, two: Client) -> None:
    one.simulator.inject("one", Fault(Status(503), requests=2))

    assert statuses(two, 1) == [200]
    assert statuses(one, 3) == [503, 503, 200]
    assert one.send_signed(one.signed()).status_code == 200


def test_a_fault_strikes_an_account_by_its_key_too_and_one_without_credentials_only_if_all_are_meant(
    one: Client,
) -> None:
    one.simulator.inject("one", Fault(Status(500)))

    assert one.send_signed(one.signed(sk="wrong")).status_code == 500
    assert one.get(token="unknown").status_code == 401
    one.simulator.inject(None, Fault(Status(502)))
    assert one.get(token="unknown").status_code == 502
    assert one.send("GET", "/elsewhere").status_code == 502


def test_a_fault_strikes_its_service_only(one: Client) -> None:
    one.simulator.inject("one", Fault(Status(500), service="iam"))

    assert statuses(one, 1) == [200]
    assert one.log_in().status_code == 500


def test_a_fault_lasts_until_it_is_cleared_and_those_of_other_accounts_stay(one: Client, two: Client) -> None:
    one.simulator.inject("one", Fault(Status(500)))
    one.simulator.inject("two", Fault(Status(502)))
    assert statuses(one, 3) == [500] * 3

    one.simulator.clear("one")
    assert statuses(one, 1) == [200]
    assert statuses(two, 1) == [502]
    one.simulator.clear()
    assert statuses(two, 1) == [200]


def test_a_share_of_the_requests_is_struck_the_same_in_every_run(session: requests.Session) -> None:
    def run() -> list[int]:
        with Simulator([ONE]) as simulator:
            simulator.inject("one", Fault(Status(503), share=0.5))
            return statuses(Client(simulator, ONE, session), 40)

    first = run()

    assert 10 < first.count(503) < 30
    assert run() == first


def test_an_outage_ends_by_itself(one: Client, clock: Clock) -> None:
    one.simulator.inject(None, outage(60))

    with pytest.raises(requests.ConnectionError):
        one.get()
    with pytest.raises(requests.ConnectionError):
        one.log_in()
    with pytest.raises(requests.ConnectionError):
        one.send("GET", "/elsewhere")
    clock.now += 60
    assert statuses(one, 1) == [200]


def test_the_same_fault_for_an_account_that_is_not_there_is_a_mistake(simulator: Simulator) -> None:
    with pytest.raises(LookupError, match="no account three"):
        simulator.inject("three", Fault(Status(500)))


def test_faults_add_up_in_their_order_until_one_ends_the_request(one: Client) -> None:
    one.simulator.inject("one", Fault(Latency(0.05)))
    one.simulator.inject("one", Fault(Status(503), requests=1))
    one.simulator.inject("one", Fault(Status(500), requests=1))

    replies = [one.get() for _ in range(3)]

    assert [reply.status_code for reply in replies] == [503, 500, 200]
    assert min(reply.elapsed for reply in replies) >= timedelta(seconds=0.05)


# What happens to the request


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "SCM.XXX"), (401, "APIGW.0301"), (403, "APIGW.0302"), (404, "APIGW.0101"), (429, "APIGW.0308"),
        (500, "SCM.XXX"), (502, "APIGW.0202"), (503, "SCM.XXX"), (504, "APIGW.0203"), (599, "SCM.XXX"),
    ],
)  # fmt: skip
def test_a_status_comes_with_the_body_that_its_sender_gives(one: Client, status: int, code: str) -> None:
    one.simulator.inject("one", Fault(Status(status)))

    reply = one.get()
    assert (reply.status_code, reply.json()["error_code"]) == (status, code)
    assert "Retry-After" not in reply.headers


@pytest.mark.parametrize("status", [200, 204, 304])
def test_a_status_that_is_no_error_comes_without_a_body(one: Client, status: int) -> None:
    one.simulator.inject("one", Fault(Status(status)))

    assert one.get().content == b""


def test_iam_sends_a_status_as_keystone_does(one: Client) -> None:
    one.simulator.inject("one", Fault(Status(403), service="iam"))

    assert one.log_in().json() == {"error": {"code": 403, "message": "Forbidden.", "title": "Forbidden"}}


def test_the_metadata_service_sends_a_status_as_text(one: Client) -> None:
    one.simulator.inject(None, Fault(Status(503), service="metadata"))

    assert one.send("PUT", "/meta-data/latest/api/token").text == "Service Unavailable"


def test_the_body_of_a_status_can_be_another(one: Client) -> None:
    one.simulator.inject("one", Fault(Status(502, body=b"<html>bad gateway</html>")))

    assert one.get().text == "<html>bad gateway</html>"


def test_retry_after_is_given_in_seconds_or_as_a_date(one: Client, clock: Clock) -> None:
    one.simulator.inject("one", Fault(Status(503, retry_after=1.5), requests=1))
    one.simulator.inject("one", Fault(Status(503, retry_after=90, as_date=True), requests=1))

    assert one.get().headers["Retry-After"] == "2"
    assert parsedate_to_datetime(one.get().headers["Retry-After"]).timestamp() == clock.now + 90


def test_a_throttle_lets_so_many_requests_through_in_a_second(one: Client, two: Client, clock: Clock) -> None:
    one.simulator.inject("one", Fault(Throttle(2, retry_after=1)))

    assert statuses(one, 4) == [200, 200, 429, 429]
    assert one.get().headers["Retry-After"] == "1"
    assert statuses(two, 4) == [200] * 4
    clock.now += 1
    assert statuses(one, 3) == [200, 200, 429]


def test_a_throttle_may_be_slower_than_one_in_a_second(one: Client, clock: Clock) -> None:
    one.simulator.inject("one", Fault(Throttle(0.1)))

    assert statuses(one, 2) == [200, 429]
    clock.now += 9
    assert statuses(one, 1) == [429]
    clock.now += 1
    assert statuses(one, 1) == [200]


def test_expired_tokens_are_refused_and_new_ones_are_not(one: Client, two: Client) -> None:
    one.simulator.inject("one", Fault(ExpireTokens()))

    assert statuses(one, 1) == [401]
    assert statuses(two, 1) == [200]
    assert one.get(token=one.log_in().headers["X-Subject-Token"]).status_code == 200


@pytest.mark.parametrize(("change", "totals"), [("add", [61, 62]), ("remove", [59, 58]), ("reorder", [60, 60])])
def test_the_list_changes_between_pages(one: Client, change: Any, totals: list[int]) -> None:  # noqa: ANN401 - a literal
    ids = [[record["id"] for record in one.simulator.records("one")]]
    one.simulator.inject("one", Fault(Mutation(change)))

    assert [one.page()[1] for _ in range(2)] == totals
    ids.append([record["id"] for record in one.simulator.records("one")])
    assert ids[0] != ids[1]


# Replies that are none


def test_a_reply_can_be_any_bytes(one: Client) -> None:
    headers = (("Content-Type", "application/json"), ("X-Odd", "yes"))
    one.simulator.inject("one", Fault(RawReply(200, headers, b'{"csr_list": [')))

    with raw_request(one) as connection:
        assert read_all(connection) == (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Odd: yes\r\nContent-Length: 14\r\n"
            b'Connection: close\r\n\r\n{"csr_list": ['
        )


@pytest.mark.parametrize(
    ("reply", "check"),
    [
        (RawReply(204, ()), lambda reply: reply.status_code == 204 and reply.content == b""),
        (RawReply(302, (("Location", "http://elsewhere.example/"),)), lambda reply: reply.is_redirect),
        (RawReply(body=b"x", repeat=30 << 20), lambda reply: len(reply.content) == 30 << 20),
        (RawReply(299, (("Content-Type", "text/html"),), b"<html>"), lambda reply: reply.status_code == 299),
        (RawReply(headers=(("Transfer-Encoding", "chunked"),), body=b"2\r\n{}\r\n0\r\n\r\n"), lambda r: r.json() == {}),
    ],
)
def test_a_reply_can_be_empty_huge_elsewhere_or_odd(
    one: Client, reply: RawReply, check: Callable[[requests.Response], bool]
) -> None:
    one.simulator.inject("one", Fault(reply, requests=1))

    assert check(one.get())
    assert statuses(one, 1) == [200]


@pytest.mark.parametrize(
    "effect", [RawReply(headers=(("Content-Length", "99"),), body=b"{}"), Break("close", in_body=True)]
)
def test_a_reply_can_be_truncated(one: Client, effect: Effect) -> None:
    one.simulator.inject("one", Fault(effect))

    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        one.get()


def test_a_connection_can_be_closed_without_a_reply(one: Client) -> None:
    one.simulator.inject("one", Fault(Break("close")))

    with raw_request(one) as connection:
        assert read_all(connection) == b""


@pytest.mark.parametrize("in_body", [False, True])
def test_a_connection_can_be_reset(one: Client, in_body: bool) -> None:  # noqa: FBT001 - from the table
    one.simulator.inject("one", Fault(Break("reset", in_body=in_body)))

    with raw_request(one) as connection, pytest.raises(ConnectionResetError):
        read_all(connection)


def test_half_the_body_comes_before_a_break_in_the_body(one: Client) -> None:
    whole = one.get()
    one.simulator.inject("one", Fault(Break("close", in_body=True)))

    with raw_request(one) as connection:
        head, _, body = read_all(connection).partition(b"\r\n\r\n")

    assert body == whole.content[: len(whole.content) // 2]
    assert f"Content-Length: {len(whole.content)}".encode() in head


@pytest.mark.parametrize("in_body", [False, True])
def test_while_one_account_hangs_the_other_is_answered_and_stopping_takes_no_time(
    clock: Clock,
    session: requests.Session,
    in_body: bool,  # noqa: FBT001 - from the table
) -> None:
    with ExitStack() as stack:
        with Simulator([ONE, TWO], clock=clock) as simulator:
            one, two = Client(simulator, ONE, session), Client(simulator, TWO, session)
            simulator.inject("one", Fault(Break("hang", in_body=in_body)))
            hanging = [stack.enter_context(raw_request(one)) for _ in range(20)]
            simulator.wait_for(20)

            assert statuses(two, 3) == [200] * 3
            assert [seen.status for seen in simulator.requests] == [None] * 20 + [200] * 3

        received = [read_all(connection) for connection in hanging]

    assert all(each.startswith(b"HTTP/1.1 200 OK") if in_body else each == b"" for each in received)


def test_stopping_does_not_wait_for_a_latency(clock: Clock, session: requests.Session) -> None:
    with ExitStack() as stack:
        with Simulator([ONE], clock=clock) as simulator:
            one = Client(simulator, ONE, session)
            simulator.inject("one", Fault(Latency(3600), requests=1))
            waiting = stack.enter_context(raw_request(one))
            while one.send("GET", "/_simulator/faults").json()["faults"]:
                pass  # until the request has met its fault

        assert read_all(waiting) == b""


def test_a_client_that_gives_up_ends_the_hanging(one: Client, simulator: Simulator) -> None:
    one.simulator.inject("one", Fault(Break("hang"), requests=1))

    with raw_request(one):
        simulator.wait_for(1)

    assert statuses(one, 1) == [200]


# Faults over HTTP

EFFECTS: Sequence[Effect] = (
    Status(503, retry_after=5, as_date=True, body=b"text"),
    Latency(0.5),
    Break("hang", in_body=True),
    Throttle(2, retry_after=1),
    Mutation("reorder"),
    RawReply(200, (("Content-Type", "text/html"),), b"\xff\x00", 3),
)


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: type(effect).__name__)
def test_every_fault_can_be_written_as_json_and_read_again(effect: Effect) -> None:
    injected: list[tuple[str | None, Fault]] = [
        ("one", Fault(effect, service="scm", requests=3, share=0.5, seconds=60)),
        (None, Fault(effect)),
    ]

    assert read_faults(json.loads(json.dumps(show_faults(injected)))) == injected


def test_faults_can_be_switched_over_http(one: Client, two: Client) -> None:
    wanted = {"faults": [{"account": "one", "effect": {"kind": "status", "status": 503, "body": "busy"}}]}

    shown = one.send("PUT", "/_simulator/faults", json=wanted)

    assert shown.status_code == 200
    assert shown.json() == one.send("GET", "/_simulator/faults").json()
    assert one.get().text == "busy"
    assert statuses(two, 1) == [200]
    assert one.send("PUT", "/_simulator/faults", json=shown.json()).json() == shown.json()
    assert one.send("DELETE", "/_simulator/faults?account=two").json() == shown.json()
    assert one.send("DELETE", "/_simulator/faults").json() == {"faults": []}
    assert statuses(one, 1) == [200]


def test_tokens_can_be_expired_over_http(one: Client) -> None:
    reply = one.send("PUT", "/_simulator/faults", json={"faults": [{"effect": {"kind": "expire_tokens"}}]})

    assert reply.json() == {"faults": []}
    assert statuses(one, 1) == [401]


def test_the_switching_itself_is_neither_struck_nor_noted(one: Client) -> None:
    one.simulator.inject(None, Fault(Break("close")))

    assert one.send("DELETE", "/_simulator/faults").status_code == 200
    assert one.simulator.requests == ()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"effect": {"kind": "status", "status": 99}}, "status: cannot be 99"),
        ({"effect": {"kind": "status", "status": True}}, "status: cannot be True"),
        ({"effect": {"kind": "earthquake"}}, "kind: cannot be 'earthquake'"),
        ({"effect": {"kind": "latency", "seconds": "1s"}}, "seconds: cannot be '1s'"),
        ({"effect": {"kind": "raw", "headers": [["one"]]}}, "headers: cannot be [['one']]"),
        ({"effect": {"kind": "raw", "body_base64": "?"}}, "body_base64: cannot be '?'"),
        ({"effect": {"status": 500}}, "kind: missing"),
        ({"effect": {"kind": "status", "status": 500}, "acount": "one"}, "acount: not known"),
        ({"effect": {"kind": "status", "status": 500}, "account": "three"}, "no account three"),
        ({"effect": {"kind": "latency"}}, "seconds: missing"),
        ({"effect": {"kind": "latency", "seconds": 1, "status": 500}}, "status: does not belong here"),
        ({}, "effect: missing"),
        (7, "expected an object"),
    ],
)
def test_a_mistake_in_a_fault_is_named_and_changes_nothing(one: Client, fault: object, message: str) -> None:
    one.simulator.inject("one", Fault(Status(500)))

    reply = one.send("PUT", "/_simulator/faults", json={"faults": [fault]})

    assert (reply.status_code, reply.json()) == (400, {"error": message})
    assert statuses(one, 1) == [500]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"faults": {}}'])
def test_what_is_no_list_of_faults_is_refused(one: Client, body: bytes) -> None:
    assert one.send("PUT", "/_simulator/faults", data=body).status_code == 400
