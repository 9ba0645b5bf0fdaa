"""Credentials: what is sent, renewed in time, protected from lock-out, and never shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from csr_exporter.cloud.auth import KEY_PAUSE, PASSWORD_PAUSE, Leases, SharedLease
from csr_exporter.inventory import Query, Reason, SourceError
from csr_exporter.simulator import ExpireTokens, Fault, RawReply, SimulatedAccount, Simulator, Status
from tests.cloud.client import Client, Clock
from tests.fakes import aksk, password, token


def sent(simulator: Simulator, service: str) -> list[int]:
    """The statuses of the replies of *service*."""
    return [request.status or 0 for request in simulator.requests if request.service == service]


@pytest.fixture(params=["aksk", "password", "token", "environment", "temporary"])
def credentials(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HOME", "/nonexistent")
    return str(request.param)


@pytest.fixture
def account(credentials: str) -> SimulatedAccount:
    return SimulatedAccount("production", csrs=3, security_token="temporary" if credentials == "temporary" else None)


def settings_of(
    kind: str, account: SimulatedAccount, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    match kind:
        case "password":
            return password(account, simulator.url)
        case "token":
            return token(account)
        case "environment":
            monkeypatch.setenv("HUAWEICLOUD_SDK_AK", account.access_key)
            monkeypatch.setenv("HUAWEICLOUD_SDK_SK", account.secret_key)
            return {"kind": "environment"}
        case "temporary":
            return {**aksk(account), "security_token": account.security_token}
        case _:
            return aksk(account)


def test_every_kind_of_credential_reads_the_list(
    credentials: str, account: SimulatedAccount, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(simulator.url, settings_of(credentials, account, simulator, monkeypatch))

    assert client.poll() == 3


class TestRefusals:
    """What happens when a secret is wrong."""

    @pytest.fixture
    def account(self) -> SimulatedAccount:
        return SimulatedAccount("production", csrs=3)

    def test_a_wrong_secret_key_is_unauthorized_and_pauses(
        self, account: SimulatedAccount, simulator: Simulator
    ) -> None:
        client = Client(simulator.url, {**aksk(account), "secret_key": "hunter2hunter2"})

        error = client.fails()

        assert (error.reason, error.pause) == (Reason.UNAUTHORIZED, KEY_PAUSE)
        assert sent(simulator, "scm") == [401]

    def test_a_wrong_token_is_unauthorized_and_pauses(self, simulator: Simulator) -> None:
        error = Client(simulator.url, {"kind": "token", "token": "hunter2hunter2"}).fails()

        assert (error.reason, error.pause) == (Reason.UNAUTHORIZED, KEY_PAUSE)
        assert sent(simulator, "scm") == [401]

    def test_a_wrong_password_is_unauthorized_and_pauses_longer(
        self, account: SimulatedAccount, simulator: Simulator
    ) -> None:
        error = Client(simulator.url, {**password(account, simulator.url), "password": "hunter2"}).fails()

        assert (error.reason, error.pause) == (Reason.UNAUTHORIZED, PASSWORD_PAUSE)
        assert error.detail.startswith("IAM: HTTP 401")
        assert sent(simulator, "iam") == [401]
        assert sent(simulator, "scm") == []

    def test_iam_that_forbids_pauses_too(self, account: SimulatedAccount, simulator: Simulator) -> None:
        simulator.inject(None, Fault(Status(403), service="iam"))

        error = Client(simulator.url, password(account, simulator.url)).fails()

        assert (error.reason, error.pause) == (Reason.FORBIDDEN, PASSWORD_PAUSE)

    def test_iam_that_fails_gives_the_plain_reason_and_no_pause(
        self, account: SimulatedAccount, simulator: Simulator
    ) -> None:
        simulator.inject(None, Fault(Status(500), service="iam"))

        error = Client(simulator.url, password(account, simulator.url)).fails()

        assert (error.reason, error.pause) == (Reason.SERVER_ERROR, 0.0)

    def test_iam_without_a_token_in_its_reply_is_malformed(
        self, account: SimulatedAccount, simulator: Simulator
    ) -> None:
        simulator.inject(None, Fault(RawReply(201, body=b"{}"), service="iam"))

        assert Client(simulator.url, password(account, simulator.url)).fails().reason is Reason.MALFORMED_REPLY

    def test_permission_that_lacks_is_forbidden_without_a_pause(
        self, account: SimulatedAccount, simulator: Simulator
    ) -> None:
        simulator.inject(None, Fault(Status(403), service="scm"))

        error = Client(simulator.url, aksk(account)).fails()

        assert (error.reason, error.pause) == (Reason.FORBIDDEN, 0.0)

    @pytest.mark.parametrize(
        "given",
        [
            {"kind": "token", "token_env": "NOT_SET_ANYWHERE"},
            {"kind": "token", "token_file": "/nonexistent/token"},
            {"kind": "token", "token": "two\nlines"},
            {"kind": "environment"},
        ],
    )
    def test_secrets_that_are_not_there_are_a_fault_of_ours_not_of_the_service(
        self, simulator: Simulator, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("HUAWEICLOUD_SDK_AK", raising=False)

        error = Client(simulator.url, given).fails()

        assert error.reason is Reason.CREDENTIALS_UNAVAILABLE
        assert "lines" not in error.detail
        assert simulator.requests == ()


class TestRenewal:
    """Tokens end; polls go on."""

    @pytest.fixture
    def account(self) -> SimulatedAccount:
        return SimulatedAccount("production", csrs=3)

    @pytest.fixture
    def client(self, account: SimulatedAccount, simulator: Simulator) -> Client:
        return Client(simulator.url, password(account, simulator.url))

    def test_a_token_is_kept_for_the_next_poll(self, client: Client, simulator: Simulator) -> None:
        client.poll()
        client.poll()

        assert sent(simulator, "iam") == [201]
        assert client.auth.renewals == 0
        assert client.auth.expires_at is not None

    def test_a_token_that_ends_early_is_renewed_once(self, client: Client, simulator: Simulator) -> None:
        client.poll()
        simulator.expire_tokens()

        assert client.poll() == 3

        assert sent(simulator, "iam") == [201, 201]
        assert sent(simulator, "scm") == [200, 401, 200]
        assert client.auth.renewals == 1

    def test_a_token_that_is_refused_right_after_its_renewal_is_not_renewed_again(
        self, client: Client, simulator: Simulator
    ) -> None:
        simulator.inject(None, Fault(Status(401), service="scm"))

        error = client.fails()

        assert (error.reason, error.pause) == (Reason.UNAUTHORIZED, PASSWORD_PAUSE)
        assert sent(simulator, "scm") == [401, 401]
        assert sent(simulator, "iam") == [201, 201]

    def test_credentials_are_renewed_once_in_a_poll(self, client: Client, simulator: Simulator) -> None:
        client.poll()
        simulator.expire_tokens()
        client.poll()
        simulator.expire_tokens()

        with pytest.raises(SourceError) as caught:
            client.api.page(Query())

        assert (caught.value.reason, caught.value.pause) == (Reason.UNAUTHORIZED, PASSWORD_PAUSE)
        assert sent(simulator, "iam") == [201, 201]

    def test_a_token_near_its_end_is_renewed_before_it(self, client: Client, simulator: Simulator) -> None:
        client.poll()
        assert client.auth.expires_at is not None
        client.clock.time = client.auth.expires_at - 1800

        client.poll()

        assert sent(simulator, "iam") == [201, 201]

    def test_the_old_token_serves_while_no_new_one_is_to_be_had(self, client: Client, simulator: Simulator) -> None:
        client.poll()
        assert client.auth.expires_at is not None
        client.clock.time = client.auth.expires_at - 1800
        simulator.inject(None, Fault(Status(401), service="iam"))

        assert client.poll() == 3
        assert client.poll() == 3

        # Asked again only after the pause that a refusal imposes.
        assert sent(simulator, "iam") == [201, 401]

    def test_a_token_file_is_read_again_when_it_changes(
        self, account: SimulatedAccount, simulator: Simulator, tmp_path: Path
    ) -> None:
        file = tmp_path / "token"
        file.write_text("MIIold", encoding="utf-8")
        client = Client(simulator.url, {"kind": "token", "token_file": str(file)})
        before = client.auth.fingerprint()
        client.fails()

        file.write_text(f"{account.token}\n", encoding="utf-8")

        assert client.auth.fingerprint() != before
        assert client.poll() == 3


class TestSilence:
    """No secret shows."""

    SECRETS = ("hunter2-secret-key", "hunter2-password", "hunter2-token")

    @pytest.fixture
    def account(self) -> SimulatedAccount:
        return SimulatedAccount("production", csrs=3, token="MIIhunter2-token")

    @pytest.fixture(params=["aksk", "password", "token"])
    def client(self, request: pytest.FixtureRequest, account: SimulatedAccount, simulator: Simulator) -> Client:
        return Client(
            simulator.url,
            {
                "aksk": {**aksk(account), "secret_key": "hunter2-secret-key"},
                "password": {**password(account, simulator.url), "password": "hunter2-password"},
                "token": {"kind": "token", "token": "hunter2-token"},
            }[request.param],
        )

    def test_no_secret_is_in_an_error_or_in_the_repr_of_anything(self, client: Client) -> None:
        error = client.fails()

        shown = f"{error!r} {error} {error.detail} {vars(client.auth)!r} {client.auth!r} {client.auth.fingerprint()!r}"
        assert not any(secret in shown for secret in self.SECRETS)

    @pytest.mark.parametrize("service", ["iam", "scm"])
    @pytest.mark.parametrize(
        "echo", ['{"error_msg": "no hunter2/\\"pass"}', "no hunter2%2F%22pass", 'no hunter2/\\"pass'], ids=str
    )
    def test_a_password_that_any_service_echoes_is_not_shown(
        self, service: Literal["iam", "scm"], echo: str, account: SimulatedAccount, simulator: Simulator
    ) -> None:
        if service == "scm":
            simulator.inject(None, Fault(RawReply(201, (("X-Subject-Token", "token"),), b"{}"), service="iam"))
        simulator.inject(None, Fault(Status(400, body=echo.encode()), service=service))

        error = Client(simulator.url, {**password(account, simulator.url), "password": 'hunter2/"pass'}).fails()

        assert error.detail.endswith("HTTP 400 no <secret>")

    def test_a_secret_key_that_the_service_echoes_is_not_shown(
        self, account: SimulatedAccount, simulator: Simulator
    ) -> None:
        simulator.inject(None, Fault(Status(400, body=b"no hunter2-secret-key"), service="scm"))

        error = Client(simulator.url, {**aksk(account), "secret_key": "hunter2-secret-key"}).fails()

        assert error.detail == "HTTP 400 no <secret>"


def wrong(simulator: Simulator, account: SimulatedAccount, shared: SharedLease) -> Client:
    """An account whose password IAM refuses."""
    return Client(simulator.url, {**password(account, simulator.url), "password": "wrong"}, shared)


class TestSharing:
    """Accounts that use the same credential."""

    @pytest.fixture
    def account(self) -> SimulatedAccount:
        return SimulatedAccount("production", csrs=3)

    def test_one_token_serves_all_accounts_of_the_same_user(
        self, account: SimulatedAccount, simulator: Simulator
    ) -> None:
        shared = Leases().shared("the user")
        first, second = (Client(simulator.url, password(account, simulator.url), shared) for _ in range(2))

        assert (first.poll(), second.poll()) == (3, 3)

        assert sent(simulator, "iam") == [201]
        assert first.auth.expires_at == second.auth.expires_at
        assert second.auth.renewals == 0

    def test_a_token_that_another_account_has_renewed_is_not_dropped(
        self, account: SimulatedAccount, simulator: Simulator
    ) -> None:
        shared = Leases().shared("the user")
        first, second = (Client(simulator.url, password(account, simulator.url), shared) for _ in range(2))
        first.poll()
        second.poll()
        simulator.inject("production", Fault(ExpireTokens()))

        refused = second.auth.credential()
        first.poll()
        assert second.auth.renew(refused)
        second.poll()

        assert sent(simulator, "iam") == [201, 201]

    def test_a_password_that_was_refused_is_not_tried_by_every_account_that_has_it(
        self, account: SimulatedAccount, simulator: Simulator
    ) -> None:
        shared = Leases().shared("the user")
        first, second = wrong(simulator, account, shared), wrong(simulator, account, shared)
        first.fails()

        error = second.fails()

        assert sent(simulator, "iam") == [401]
        assert (error.reason, error.detail) == (Reason.UNAUTHORIZED, first.fails().detail)
        assert PASSWORD_PAUSE - 10 < error.pause <= PASSWORD_PAUSE

    @pytest.mark.parametrize("seconds", [PASSWORD_PAUSE + 1, -1])
    def test_a_refused_password_is_tried_again_when_the_pause_is_over_or_the_clock_set_back(
        self, account: SimulatedAccount, simulator: Simulator, seconds: float
    ) -> None:
        clock = Clock()
        shared = Leases(clock).shared("the user")
        first, second = wrong(simulator, account, shared), wrong(simulator, account, shared)
        first.fails()

        clock.time += seconds
        second.fails()

        assert sent(simulator, "iam") == [401, 401]

    def test_a_changed_password_is_tried_at_once(
        self, account: SimulatedAccount, simulator: Simulator, tmp_path: Path
    ) -> None:
        shared = Leases().shared("the user")
        file = tmp_path / "password"
        given = {**password(account, simulator.url), "password_file": str(file)}
        del given["password"]
        file.write_text("wrong")
        first, second = Client(simulator.url, given, shared), Client(simulator.url, given, shared)
        first.fails()

        file.write_text(account.password)

        assert (second.poll(), first.poll()) == (3, 3)
        assert sent(simulator, "iam") == [401, 201]

    def test_an_account_that_is_configured_anew_tries_a_refused_password_once_more(
        self, account: SimulatedAccount, simulator: Simulator
    ) -> None:
        leases = Leases()
        first = wrong(simulator, account, leases.shared("the user"))
        first.fails()

        wrong(simulator, account, leases.shared("the user")).fails()
        first.fails()

        assert sent(simulator, "iam") == [401, 401]

    def test_accounts_of_other_credentials_share_nothing(self) -> None:
        leases = Leases()
        shared = leases.shared("one")

        assert leases.shared("one") is shared
        assert leases.shared("another") is not shared
