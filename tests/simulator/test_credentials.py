"""The sources of temporary credentials, asked by the official SDK wherever it can be told where they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from csr_exporter.simulator import MetadataMode, SimulatedAccount, Simulator
from tests.fakes import NOW
from tests.simulator.client import Client, Clock

ACCOUNT = SimulatedAccount()
OTHER = SimulatedAccount("other one", csrs=3)
TOKEN_PATH, KEY_PATH = "/meta-data/latest/api/token", "/openstack/latest/securitykey"
POD_IDENTITY_PATH = "/v1/credentials"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def simulator(clock: Clock) -> Iterator[Simulator]:
    with Simulator([ACCOUNT, OTHER], clock=clock) as simulator:
        yield simulator


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def client(simulator: Simulator, session: requests.Session) -> Client:
    return Client(simulator, ACCOUNT, session)


@pytest.fixture
def sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - the SDK has no types
    """The module of the SDK; importing it writes a file below the home directory, hence another one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    from huaweicloudsdkcore.auth import internal  # noqa: PLC0415 - see above

    return internal


@pytest.fixture
def http_client(sdk: Any) -> Iterator[Any]:  # noqa: ANN401, ARG001 - the SDK has no types, and is imported before
    from huaweicloudsdkcore.http.http_client import HttpClient  # noqa: PLC0415 - after *sdk*
    from huaweicloudsdkcore.http.http_config import HttpConfig  # noqa: PLC0415 - after *sdk*

    client = HttpClient(HttpConfig.get_default_config(), None, None, logging.getLogger("sdk"))
    yield client
    client.close()
    client.executor.shutdown()


def page_with(client: Client, key: Mapping[str, str], at: float = NOW) -> requests.Response:
    """A page by a temporary key as the metadata service and IAM give it."""
    changed = {"ak": key["access"], "sk": key["secret"], "security_token": key["securitytoken"]}
    return client.send_signed(client.signed(at=at, **changed))


def metadata_token(client: Client, prefix: str = "") -> str:
    reply = client.send("PUT", prefix + TOKEN_PATH, headers={"X-Metadata-Token-Ttl-Seconds": "21600"})
    assert reply.status_code == 200
    return reply.text


def security_key(client: Client, prefix: str = "", token: str | None = None) -> requests.Response:
    token = metadata_token(client, prefix) if token is None else token
    return client.send("GET", prefix + KEY_PATH, headers={"X-Metadata-Token": token})


# The metadata service


def test_the_metadata_service_gives_keys_that_hold_until_they_expire(client: Client, clock: Clock) -> None:
    key = security_key(client).json()["credential"]

    assert key["expires_at"] == "2027-01-16T08:00:00.000000Z"
    assert page_with(client, key).json()["total"] == 60
    assert page_with(client, key | {"securitytoken": "another"}).status_code == 401
    clock.now += 86_400
    assert page_with(client, key, at=clock.now).status_code == 401


def test_every_account_has_an_ecs_of_its_own(client: Client) -> None:
    prefix = client.simulator.metadata_url("other one").removeprefix(client.simulator.url)

    key = security_key(client, prefix).json()["credential"]

    assert page_with(client, key).json()["total"] == 3
    assert security_key(client, prefix, token=metadata_token(client)).status_code == 401
    assert [(seen.service, seen.account) for seen in client.simulator.requests[:2]] == [("metadata", "other one")] * 2
    assert client.send("PUT", f"/_simulator/ecs/nobody{TOKEN_PATH}").status_code == 404


@pytest.mark.parametrize("ttl", ["", "0", "21601", "x"])
def test_a_metadata_token_has_a_life_of_at_most_six_hours(client: Client, ttl: str) -> None:
    assert client.send("PUT", TOKEN_PATH, headers={"X-Metadata-Token-Ttl-Seconds": ttl}).status_code == 400


def test_without_a_valid_token_there_is_no_key(client: Client, clock: Clock) -> None:
    token = metadata_token(client)

    assert client.send("GET", KEY_PATH).status_code == 401
    clock.now += 21_600
    assert security_key(client, token=token).status_code == 401


@pytest.mark.parametrize("mode", ["token", "plain"])
def test_the_sdk_gets_keys_with_and_without_the_step_of_the_token(
    session: requests.Session,
    sdk: Any,  # noqa: ANN401 - the SDK has no types
    monkeypatch: pytest.MonkeyPatch,
    mode: MetadataMode,
) -> None:
    account = replace(ACCOUNT, metadata=mode)
    with Simulator([account], clock=Clock()) as simulator:
        monkeypatch.setattr(sdk.MetadataAccessor, "_METADATA_ENDPOINT", simulator.url)
        got = sdk.MetadataAccessor().get_credential()

        key = {"access": got.access, "secret": got.secret, "securitytoken": got.security_token}
        assert page_with(Client(simulator, account, session), key).status_code == 200


def test_without_an_agency_the_sdk_is_told_so(
    sdk: Any,  # noqa: ANN401 - the SDK has no types
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Simulator([replace(ACCOUNT, metadata="no_agency")]) as simulator:
        monkeypatch.setattr(sdk.MetadataAccessor, "_METADATA_ENDPOINT", simulator.url)

        with pytest.raises(Exception, match="configure Cloud Service Agency"):
            sdk.MetadataAccessor().get_credential()


# Federation


def exchange(client: Client, token: str, seconds: object = 3600) -> requests.Response:
    identity = {"methods": ["token"], "token": {"id": token, "duration_seconds": seconds}}
    return client.send("POST", "/v3.0/OS-CREDENTIAL/securitytokens", json={"auth": {"identity": identity}})


def unscoped_token(client: Client, idp_id: str = ACCOUNT.idp_id, id_token: str = ACCOUNT.id_token) -> requests.Response:
    content = {"auth": {"id_token": {"id": id_token}}}
    return client.send("POST", "/v3.0/OS-AUTH/id-token/tokens", json=content, headers={"X-Idp-Id": idp_id})


def assume(client: Client, **changed: object) -> requests.Response:
    content = {"provider_urn": ACCOUNT.urns[0], "agency_urn": ACCOUNT.urns[1], "id_token": ACCOUNT.id_token}
    return client.send("POST", "/v5/agencies/assume-with-oidc", json=content | changed)


def test_the_sdk_exchanges_an_id_token_for_keys_in_two_steps(
    client: Client,
    sdk: Any,  # noqa: ANN401 - the SDK has no types
    http_client: Any,  # noqa: ANN401 - the SDK has no types
    tmp_path: Path,
) -> None:
    (tmp_path / "id_token").write_text(ACCOUNT.id_token)

    got = sdk.FederalAccessor().get_credential(
        iam_endpoint=client.simulator.url,
        http_client=http_client,
        idp_id=ACCOUNT.idp_id,
        id_token_file=str(tmp_path / "id_token"),
    )

    key = {"access": got.access, "secret": got.secret, "securitytoken": got.security_token}
    assert page_with(client, key).status_code == 200
    assert [(seen.service, seen.account, seen.status) for seen in client.simulator.requests] == [
        ("iam", "production", 201),
        ("iam", "production", 201),
        ("scm", "production", 200),
    ]


def test_the_sdk_exchanges_an_id_token_for_keys_of_an_agency(
    client: Client,
    sdk: Any,  # noqa: ANN401 - the SDK has no types
    http_client: Any,  # noqa: ANN401 - the SDK has no types
) -> None:
    accessor = sdk.OidcStsAccessor(*ACCOUNT.urns, ACCOUNT.id_token, "csr-exporter")

    got = accessor.get_credential(sts_endpoint=client.simulator.url, http_client=http_client)

    key = {"access": got.access, "secret": got.secret, "securitytoken": got.security_token}
    assert page_with(client, key).status_code == 200


def test_the_sdk_gets_keys_of_the_agency_of_a_pod(
    client: Client,
    sdk: Any,  # noqa: ANN401 - the SDK has no types
    tmp_path: Path,
) -> None:
    (tmp_path / "token").write_text(ACCOUNT.id_token)

    got = sdk.PodIdentityAccessor(client.simulator.url + POD_IDENTITY_PATH, str(tmp_path / "token")).get_credential()

    key = {"access": got.access, "secret": got.secret, "securitytoken": got.security_token}
    assert page_with(client, key).status_code == 200


def test_a_pod_without_the_token_gets_no_key(client: Client) -> None:
    assert client.send("POST", POD_IDENTITY_PATH, headers={"Authorization": "wrong"}, json={}).status_code == 403


def test_an_unscoped_token_buys_keys_but_no_page(client: Client) -> None:
    token = unscoped_token(client).headers["X-Subject-Token"]

    assert client.get(token=token).status_code == 401
    assert exchange(client, token).status_code == 201


def test_keys_live_as_long_as_was_asked_for_but_not_longer_than_the_account_allows(
    session: requests.Session, clock: Clock
) -> None:
    with Simulator([replace(ACCOUNT, key_lifetime=1000)], clock=clock) as simulator:
        client = Client(simulator, ACCOUNT, session)
        short = exchange(client, ACCOUNT.token, 900).json()["credential"]
        capped = exchange(client, ACCOUNT.token, 3600).json()["credential"]

        assert (short["expires_at"], capped["expires_at"]) == (
            "2027-01-15T08:15:00.000000Z",
            "2027-01-15T08:16:40.000000Z",
        )
        clock.now = NOW + 900
        assert [page_with(client, key, at=clock.now).status_code for key in (short, capped)] == [401, 200]


@pytest.mark.parametrize("seconds", [899, 86_401, "3600"])
def test_a_duration_out_of_range_is_refused(client: Client, seconds: object) -> None:
    assert exchange(client, ACCOUNT.token, seconds).status_code == 400
    assert assume(client, duration_seconds=seconds).status_code == 400


def test_a_wrong_token_provider_or_agency_is_refused(client: Client, clock: Clock) -> None:
    token = unscoped_token(client).headers["X-Subject-Token"]

    assert unscoped_token(client, id_token="wrong").json()["error_code"] == "IAM.0007"
    assert unscoped_token(client, idp_id="wrong").status_code == 401
    assert exchange(client, "wrong").status_code == 401
    assert assume(client, id_token="wrong").status_code == 403
    assert assume(client, agency_urn="wrong").status_code == 403
    clock.now += 86_400
    assert exchange(client, token).status_code == 401
