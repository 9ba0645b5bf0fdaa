from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from csr_exporter.simulator import NameMatch, OffsetMode, SimulatedAccount, Simulator
from csr_exporter.simulator.messages import Call
from csr_exporter.simulator.records import Generator
from csr_exporter.simulator.signature import canonical_request, sign
from tests.fakes import DAY, EXAMPLE, NOW
from tests.simulator.client import Client, Clock

ACCOUNT = SimulatedAccount()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def simulator(clock: Clock) -> Iterator[Simulator]:
    with Simulator([ACCOUNT], clock=clock) as simulator:
        yield simulator


@pytest.fixture
def client(simulator: Simulator, session: requests.Session) -> Client:
    return Client(simulator, ACCOUNT, session)


def some_records(*names: str, algorithms: Sequence[str] = ("EC_P256",)) -> tuple[dict[str, Any], ...]:
    """Records with these names, with ids from "0"."""
    return tuple(
        EXAMPLE | {"id": str(number), "name": name, "private_key_algo": algorithms[number % len(algorithms)]}
        for number, name in enumerate(names)
    )


def error_of(reply: requests.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error_code"]


# What is answered


def test_the_example_of_the_reference_is_answered_as_the_reference_shows_it(session: requests.Session) -> None:
    account = replace(ACCOUNT, records=(EXAMPLE,))
    with Simulator([account]) as simulator:
        reply = Client(simulator, account, session).get()

    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.json() == {"csr_list": [EXAMPLE], "total": 1}


def test_generated_records_have_the_fields_of_the_example_and_come_newest_first(client: Client) -> None:
    records = client.get("?limit=50").json()["csr_list"]

    assert {tuple(record) for record in records} == {tuple(EXAMPLE)}
    created = [record["create_time"] for record in records]
    assert created == sorted(created, reverse=True)


def test_without_parameters_the_first_ten_come_and_the_total_counts_all(client: Client) -> None:
    ids, total = client.page()

    assert ids == [record["id"] for record in client.simulator.records("production")][:10]
    assert total == 60


def test_a_reply_is_dated_by_the_clock_of_the_service_and_has_a_request_id(client: Client, clock: Clock) -> None:
    clock.now += 3600

    reply = client.get()

    assert parsedate_to_datetime(reply.headers["Date"]).timestamp() == clock.now
    assert len(reply.headers["X-Request-Id"]) == 32


@pytest.mark.parametrize("query", ["", "?limit=10", "?limit=20", "?limit=50", "?offset=0", "?offset=100", "?name="])
@pytest.mark.parametrize("algorithm", ["", "RSA_2048", "SM2"])
def test_what_the_reference_allows_is_accepted(client: Client, query: str, algorithm: str) -> None:
    joined = f"{query or '?limit=10'}&private_key_algo={algorithm}"

    assert client.get(joined).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=15", "limit=51", "limit=100", "limit=ten", "limit=", "limit=-10", "limit=10.0", "limit=%2010",
        "offset=-1", "offset=101", "offset=x", "offset=", "offset=%D9%A1", "name=" + "n" * 33,
        "private_key_algo=RSA_1024", "private_key_algo=rsa_2048", "page=1", "Limit=10", "limit=10&limit=10",
    ],
)  # fmt: skip
def test_what_the_reference_does_not_allow_is_refused(client: Client, query: str) -> None:
    assert error_of(client.get(f"?{query}")) == (400, "SCM.0005")


@pytest.mark.parametrize(("max_offset", "accepted"), [(None, 999_999), (200, 200), (0, 0)])
def test_the_largest_offset_is_an_option(session: requests.Session, max_offset: int | None, accepted: int) -> None:
    account = replace(ACCOUNT, max_offset=max_offset)
    with Simulator([account]) as simulator:
        assert Client(simulator, account, session).get(f"?offset={accepted}").status_code == 200


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v3/scm/csr/"),
        ("POST", "/v3/scm/csr"),
        ("HEAD", "/v3/scm/csr"),
        ("GET", "/v3/scm/csr/48e392628b0f47769e47d91acc7654a5/private-key"),
        ("GET", "/"),
        ("GET", "/v3/auth/tokens"),
    ],
)
def test_another_path_or_method_is_not_published(client: Client, method: str, target: str) -> None:
    reply = client.send(method, target)

    assert reply.status_code == 404
    if method != "HEAD":
        assert reply.json()["error_code"] == "APIGW.0101"
        assert reply.json()["request_id"] == reply.headers["X-Request-Id"]


# What the reference leaves open


@pytest.mark.parametrize(
    ("mode", "offset", "first"),
    [
        ("record", 1, 1), ("record", 50, 50), ("page", 1, 10), ("page", 2, 20),
        ("page1", 0, 0), ("page1", 1, 0), ("page1", 2, 10), ("ignored", 40, 0),
    ],
)  # fmt: skip
def test_an_offset_counts_what_the_account_says(
    session: requests.Session, mode: OffsetMode, offset: int, first: int
) -> None:
    account = replace(ACCOUNT, offset_mode=mode)
    with Simulator([account]) as simulator:
        everything = [record["id"] for record in simulator.records("production")]

        page = Client(simulator, account, session).page(f"?offset={offset}")

    assert page == (everything[first : first + 10], 60)


def test_past_the_end_the_page_is_empty_and_the_total_stays(client: Client) -> None:
    assert client.page("?offset=60") == ([], 60)


@pytest.mark.parametrize(
    ("match", "sensitive", "found"),
    [
        ("substring", True, ["0", "1", "2"]), ("substring", False, ["0", "1", "2", "3"]),
        ("prefix", True, ["0", "1"]), ("prefix", False, ["0", "1", "3"]),
        ("exact", True, ["0"]), ("exact", False, ["0", "3"]),
    ],
)  # fmt: skip
def test_a_name_selects_as_the_account_says(
    session: requests.Session,
    match: NameMatch,
    sensitive: bool,  # noqa: FBT001 - from the table
    found: list[str],
) -> None:
    records = some_records("shop", "shop-eu", "my-shop", "SHOP", "pay")
    account = replace(ACCOUNT, records=records, name_match=match, name_case_sensitive=sensitive)
    with Simulator([account]) as simulator:
        assert Client(simulator, account, session).page("?name=shop") == (found, len(found))


def test_filters_combine_and_the_total_is_that_of_the_filtered(session: requests.Session) -> None:
    records = some_records(*["shop", "shop", "pay"] * 20, algorithms=["EC_P256", "SM2"])
    account = replace(ACCOUNT, records=records)
    with Simulator([account]) as simulator:
        ids, total = Client(simulator, account, session).page("?name=shop&private_key_algo=SM2")

    assert len(ids) == 10
    assert total == 20


def test_what_is_no_record_is_served_as_it_is_and_matches_no_filter(session: requests.Session) -> None:
    hostile = (None, 7, "text", {"name": None}, {"id": 1, "name": "\ud800"}, EXAMPLE)
    account = replace(ACCOUNT, records=hostile)
    with Simulator([account]) as simulator:
        client = Client(simulator, account, session)

        assert client.get().json() == {"csr_list": list(hostile), "total": 6}
        assert client.get("?name=x&private_key_algo=RSA_2048").json() == {"csr_list": [EXAMPLE], "total": 1}


# Tokens


@pytest.mark.parametrize("token", ["", "short", "M" * 64])
def test_a_token_that_was_not_issued_is_refused(client: Client, token: str) -> None:
    reply = client.get(token=token)

    assert error_of(reply) == (401, "APIGW.0301")
    assert reply.json()["request_id"] == reply.headers["X-Request-Id"]


def test_a_request_without_credentials_is_refused(client: Client) -> None:
    reply = client.send("GET", "/v3/scm/csr")

    assert error_of(reply) == (401, "APIGW.0301")
    assert reply.json()["error_msg"] == "Incorrect IAM authentication information: x-auth-token not found"


def test_credentials_are_judged_before_parameters(client: Client) -> None:
    assert client.get("?limit=15", token="wrong").status_code == 401


@pytest.mark.parametrize("scope", [{"project": {"name": "cn-north-4"}}, {"domain": {"name": "production"}}])
def test_a_password_gives_a_token_for_a_day(client: Client, clock: Clock, scope: Mapping[str, object]) -> None:
    reply = client.log_in(scope=scope)
    token = reply.headers["X-Subject-Token"]

    assert reply.status_code == 201
    assert reply.json()["token"]["issued_at"] == "2027-01-15T08:00:00.000000Z"
    assert reply.json()["token"]["expires_at"] == "2027-01-16T08:00:00.000000Z"
    assert "catalog" not in reply.json()["token"]
    assert token.startswith("MII")
    assert len(token) > 2000
    clock.now += DAY - 1
    assert client.get(token=token).status_code == 200
    clock.now += 1
    assert error_of(client.get(token=token)) == (401, "APIGW.0301")


def test_the_life_of_tokens_is_an_option_and_earlier_ones_stay_valid(session: requests.Session, clock: Clock) -> None:
    account = replace(ACCOUNT, token_lifetime=60)
    with Simulator([account], clock=clock) as simulator:
        client = Client(simulator, account, session)
        first = client.log_in().headers["X-Subject-Token"]
        clock.now += 59
        second = client.log_in().headers["X-Subject-Token"]

        assert [client.get(token=token).status_code for token in (first, second)] == [200, 200]
        clock.now += 1
        assert [client.get(token=token).status_code for token in (first, second)] == [401, 200]


@pytest.mark.parametrize(("key", "value"), [("password", "wrong"), ("name", "nobody"), ("password", "é\ud800")])
def test_a_wrong_password_or_user_is_refused_as_keystone_does(client: Client, key: str, value: str) -> None:
    reply = client.log_in(scope=None, **{key: value})

    assert reply.status_code == 401
    assert "X-Subject-Token" not in reply.headers
    assert reply.json() == {
        "error": {"code": 401, "message": "The username or password is wrong.", "title": "Unauthorized"}
    }


def test_a_scope_that_is_not_the_accounts_is_refused(client: Client) -> None:
    assert client.log_in(scope={"project": {"name": "elsewhere"}}).status_code == 401
    assert client.log_in(scope={"domain": {"name": "elsewhere"}}).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"auth":{"identity":{"methods":["totp"]}}}', b'{"auth":7}'])
def test_a_malformed_request_for_a_token_is_a_bad_request(client: Client, body: bytes) -> None:
    reply = client.send("POST", "/v3/auth/tokens", data=body)

    assert reply.status_code == 400
    assert reply.json()["error"]["title"] == "Bad Request"


def test_a_user_is_locked_after_six_wrong_passwords_for_a_quarter_of_an_hour(client: Client, clock: Clock) -> None:
    for _ in range(6):
        client.log_in(password="wrong")

    assert client.log_in().status_code == 401
    clock.now += 900
    assert client.log_in().status_code == 201


def test_tokens_can_be_expired_at_once_and_issued_again(client: Client) -> None:
    issued = client.log_in().headers["X-Subject-Token"]

    client.simulator.expire_tokens("another")
    assert client.get(token=issued).status_code == 200
    client.simulator.expire_tokens()

    assert [client.get(token=token).status_code for token in (ACCOUNT.token, issued)] == [401, 401]
    assert client.get(token=client.simulator.issue_token("production")).status_code == 200


# Signatures

VECTOR = Call(
    service="scm",
    method="GET",
    path="/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs",
    query="limit=2&marker=13551d6b-755d-4757-b956-536f674975c0",
    headers={
        "content-type": "application/json",
        "host": "service.region.example.com",
        "x-sdk-date": "20191115T033655Z",
    },
    body=b"",
    now=0,
    request_id="",
)
"""The request that the signing guide signs."""


def test_the_published_example_has_the_published_signature() -> None:
    signature = sign(VECTOR, sorted(VECTOR.headers), "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc")

    assert signature == "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"


def test_the_canonical_request_is_that_of_the_guide() -> None:
    assert canonical_request(VECTOR, sorted(VECTOR.headers)).decode().splitlines() == [
        "GET",
        "/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs/",
        "limit=2&marker=13551d6b-755d-4757-b956-536f674975c0",
        "content-type:application/json",
        "host:service.region.example.com",
        "x-sdk-date:20191115T033655Z",
        "",
        "content-type;host;x-sdk-date",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ]


@pytest.mark.parametrize("name", ["a b*é+", "+", "", "100%", "a=b&c", "~tilde", "商城", " ", "a/b?c#d", "%20", "\x00"])
def test_the_signature_of_the_official_sdk_is_accepted(session: requests.Session, name: str) -> None:
    account = replace(ACCOUNT, records=some_records(name, "other"), name_match="exact")
    with Simulator([account], clock=Clock()) as simulator:
        client = Client(simulator, account, session)

        reply = client.send_signed(client.signed(("name", name), ("limit", "50"), ("offset", "0")))

    assert reply.status_code == 200
    assert reply.json()["csr_list"][0]["name"] == name


@pytest.mark.parametrize("minutes", [-15, 15])
def test_a_clock_may_differ_by_fifteen_minutes(client: Client, minutes: int) -> None:
    at = NOW + minutes * 60

    assert client.send_signed(client.signed(at=at)).status_code == 200
    assert error_of(client.send_signed(client.signed(at=at + minutes / 15))) == (401, "APIGW.0301")


def test_whatever_is_altered_after_signing_breaks_the_signature(client: Client) -> None:
    def altered(uri: str | None = None, method: str = "GET", body: str = "", **headers: str | None) -> int:
        request = client.signed(("limit", "10"), ("name", "shop"))
        changed = request.header_params | {name.replace("_", "-"): value for name, value in headers.items()}
        request.header_params = {name: value for name, value in changed.items() if value is not None}
        request.uri, request.method, request.body = uri or request.uri, method, body
        status = client.send_signed(request).status_code
        assert client.send_signed(client.signed()).status_code == 200  # so that no lock-out decides
        return status

    authorization = client.signed().header_params["Authorization"]
    unsigned_date = authorization.replace(";x-sdk-date", "")

    assert altered() == 200
    assert altered(uri="/v3/scm/csr?limit=20&name=shop") == 401
    assert altered(uri="/v3/scm/csr?limit=10&name=Shop") == 401
    assert altered(uri="/v3/scm/csr?limit=10&name=shop&offset=0") == 401
    assert altered(uri="/v3/scm/csr?limit=10") == 401
    assert altered(body="x") == 401
    assert altered(Content_Type="text/plain") == 401
    assert altered(X_Sdk_Date="20270115T080001Z") == 401
    assert altered(X_Sdk_Date="yesterday") == 401
    assert altered(X_Sdk_Date=None) == 401
    assert altered(Authorization=authorization[:-1] + "g") == 401
    assert altered(Authorization=authorization.replace("Access=", "Access=X")) == 401
    assert altered(Authorization=authorization.replace("SDK-HMAC-SHA256", "V11-HMAC-SHA256")) == 401
    assert altered(Authorization=unsigned_date) == 401
    assert altered(Authorization="Bearer x") == 401


def test_headers_added_after_signing_do_no_harm(client: Client) -> None:
    request = client.signed()
    request.header_params["X-Project-Id"] = "0605767b8d8026c62f22c010a8c3d6a2"

    assert client.send_signed(request).status_code == 200


def test_temporary_keys_need_their_security_token(session: requests.Session) -> None:
    account = replace(ACCOUNT, security_token="temporary" * 8)
    with Simulator([account], clock=Clock()) as simulator:
        client = Client(simulator, account, session)

        assert client.send_signed(client.signed()).status_code == 200
        assert client.send_signed(client.signed(security_token="another")).status_code == 401
        assert client.send_signed(client.signed(security_token="")).status_code == 401


def test_a_key_is_locked_for_five_minutes_by_the_sixth_failure_in_a_row(client: Client, clock: Clock) -> None:
    for _ in range(6):
        assert client.send_signed(client.signed(sk="wrong")).status_code == 401
    locked = client.send_signed(client.signed())

    assert error_of(locked) == (401, "APIGW.0301")
    assert locked.json()["error_msg"].endswith("AK access failed to reach the limit,forbidden")
    clock.now += 299
    assert client.send_signed(client.signed(at=clock.now)).status_code == 401
    clock.now += 1
    assert client.send_signed(client.signed(at=clock.now)).status_code == 200


def test_five_failures_and_a_success_lock_nothing(client: Client) -> None:
    for _ in range(3):
        for _ in range(5):
            client.send_signed(client.signed(sk="wrong"))

        assert client.send_signed(client.signed()).status_code == 200


# Accounts, time, and what tests can see


def test_the_credential_selects_the_account(session: requests.Session) -> None:
    accounts = [SimulatedAccount("one", csrs=1), SimulatedAccount("two", csrs=2, seed=2)]
    with Simulator(accounts, clock=Clock()) as simulator:
        one, two = (Client(simulator, account, session) for account in accounts)

        assert one.get().json()["total"] == 1
        assert two.send_signed(two.signed()).json()["total"] == 2
        assert two.get(token=two.log_in().headers["X-Subject-Token"]).json()["total"] == 2


def test_every_request_is_noted_with_the_account_it_claims(client: Client) -> None:
    client.get("?limit=50&offset=0")
    client.send_signed(client.signed(sk="wrong"))
    client.log_in(password="wrong")
    client.get(token="unknown")
    client.send("GET", "/favicon.ico")

    noted = [(seen.service, seen.account, seen.path, seen.status) for seen in client.simulator.requests]
    assert noted == [
        ("scm", "production", "/v3/scm/csr", 200),
        ("scm", "production", "/v3/scm/csr", 401),
        ("iam", "production", "/v3/auth/tokens", 401),
        ("scm", "", "/v3/scm/csr", 401),
        ("unknown", "", "/favicon.ico", 404),
    ]
    assert client.simulator.requests[0].query == {"limit": "50", "offset": "0"}


def test_records_can_be_added_in_front_and_removed(client: Client) -> None:
    last = client.simulator.records("production")[-1]["id"]

    client.simulator.add("production", EXAMPLE)
    client.simulator.remove("production", last)

    ids = [record["id"] for record in client.simulator.records("production")]
    assert ids[0] == EXAMPLE["id"]
    assert last not in ids
    assert client.page()[1] == 60
    with pytest.raises(KeyError):
        client.simulator.remove("production", last)


def test_the_same_seed_gives_the_same_records_and_another_gives_others() -> None:
    assert Generator(1).history(50, NOW) == Generator(1).history(50, NOW)
    assert Generator(1).history(50, NOW) != Generator(2).history(50, NOW)


def test_generated_records_are_plausible() -> None:
    records = Generator(7).history(2000, NOW)

    assert len({record["id"] for record in records}) == 2000
    assert all(3 <= len(record["name"]) <= 63 for record in records)
    assert 1000 < len({record["name"] for record in records}) < 2000
    assert all(len(record["sans"]) <= 4096 for record in records)
    assert min(record["create_time"] for record in records) >= (NOW - 3 * 365.25 * DAY) * 1000
    assert all(record["create_time"] <= record["update_time"] <= NOW * 1000 for record in records)
    assert any(record["create_time"] < record["update_time"] for record in records)
    algorithms = Counter(record["private_key_algo"] for record in records)
    assert set(algorithms) == {"RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P384", "SM2", "RSA_1024"}
    assert algorithms.most_common(1)[0][0] == "RSA_2048"
    domains = [record["domain_name"] for record in records]
    assert any(domain.startswith("*.") for domain in domains)
    assert any("xn--" in domain for domain in domains)
    assert any("测试" in domain for domain in domains)
    assert {record["company_name"] for record in records if record["usage"] == "PERSONAL"} == {""}
    assert {"CN", "DE"} < {record["company_country"] for record in records}


def test_seven_records_are_enough_for_the_seven_algorithms() -> None:
    assert len({record["private_key_algo"] for record in Generator(3).history(7, NOW)}) == 7


def test_churn_creates_deletes_and_renames_as_time_passes(session: requests.Session, clock: Clock) -> None:
    account = replace(ACCOUNT, churn_per_minute=4)
    with Simulator([account], clock=clock) as simulator:
        before = {record["id"]: record for record in simulator.records("production")}
        assert list(before.values()) == simulator.records("production")
        clock.now += 10 * 60

        after = {record["id"]: record for record in simulator.records("production")}
        assert Client(simulator, account, session).page()[1] == 60

    assert len(after) == 60
    assert 1 <= len(before.keys() - after.keys()) <= 10
    both = before.keys() & after.keys()
    renamed = [after[key] for key in both if before[key]["name"] != after[key]["name"]]
    assert renamed
    assert all(record["update_time"] > NOW * 1000 for record in renamed)


def test_churn_depends_on_the_time_alone_not_on_who_looks_when(clock: Clock) -> None:
    account = replace(ACCOUNT, churn_per_minute=6)
    with Simulator([account], clock=clock) as often, Simulator([account], clock=clock) as once:
        for _ in range(10):
            clock.now += 30
            often.records("production")

        assert often.records("production") == once.records("production")


def test_latency_delays_the_account_that_has_it(session: requests.Session) -> None:
    slow, fast = SimulatedAccount("slow", latency=0.05), SimulatedAccount("fast")
    with Simulator([slow, fast]) as simulator:
        assert Client(simulator, slow, session).get().elapsed >= timedelta(seconds=0.05)
        assert Client(simulator, fast, session).get().status_code == 200


def test_an_account_derives_its_credentials_from_its_name_and_does_not_show_them() -> None:
    one, same, other = SimulatedAccount("one"), SimulatedAccount("one"), SimulatedAccount("other")

    assert one == same
    assert one.access_key != other.access_key
    assert len(one.token) >= 32
    for secret in (one.secret_key, one.password, one.token):
        assert secret not in repr(one)
    assert SimulatedAccount("one", user="me").user == "me"


SERVE = """
from csr_exporter.simulator import SimulatedAccount, serve
serve([SimulatedAccount()], "127.0.0.1", 0, lambda url: print(url, flush=True))
print("returned", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_in_the_foreground_it_serves_until_a_signal_and_then_returns(
    session: requests.Session, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        reply = session.get(f"{url}/v3/scm/csr", headers={"X-Auth-Token": ACCOUNT.token}, timeout=10)

        process.send_signal(number)

        assert reply.json()["total"] == 60
        assert process.stdout.read() == "returned\n"
        assert process.wait(10) == 0


def test_additional_names_come_with_either_separator() -> None:
    records = Generator(seed=1).history(200, NOW)

    assert {sign for record in records for sign in ",; " if sign in record["sans"]} == {",", ";"}
