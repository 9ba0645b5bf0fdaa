"""Credentials that are found or lent: profile, id token, OIDC, the agency of the machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from csr_exporter.cloud.auth import KEY_PAUSE
from csr_exporter.inventory import Query, Reason
from csr_exporter.simulator import Break, Fault, RawReply, SimulatedAccount, Simulator, Status
from tests.cloud.client import Client
from tests.fakes import DAY
from tests.kinds import BY_ID_TOKEN, FEDERATED, LENT, credentials_of

ACCOUNT = SimulatedAccount("production", csrs=3)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator([ACCOUNT]) as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory of its own: the SDK looks and writes there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def client_of(kind: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client for credentials of *kind*, with everything they need in its place."""
    return Client(simulator.url, credentials_of(kind, ACCOUNT, simulator, home, monkeypatch))


def sent(simulator: Simulator, *services: str) -> list[int | None]:
    """The statuses of the replies of *services*."""
    return [request.status for request in simulator.requests if request.service in services]


@pytest.mark.parametrize("kind", [*LENT, "profile"])
def test_every_source_reads_the_list(
    kind: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client_of(kind, simulator, home, monkeypatch).poll() == 3


@pytest.mark.parametrize("kind", LENT)
def test_a_lent_key_is_kept_for_the_next_poll_and_its_end_is_known(
    kind: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(kind, simulator, home, monkeypatch)
    client.poll()
    asked = len(sent(simulator, "iam", "metadata"))

    client.poll()

    assert len(sent(simulator, "iam", "metadata")) == asked
    assert client.auth.expires_at is not None
    assert client.auth.renewals == 0


@pytest.mark.parametrize("kind", LENT)
def test_a_lent_key_that_is_refused_is_renewed_once(
    kind: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(kind, simulator, home, monkeypatch)
    client.poll()
    simulator.inject(None, Fault(Status(401), service="scm", requests=1))

    assert client.poll() == 3

    assert client.auth.renewals == 1


@pytest.mark.parametrize("kind", BY_ID_TOKEN)
def test_an_id_token_that_is_refused_is_said_so_and_pauses(
    kind: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(kind, simulator, home, monkeypatch)
    (home / "id-token").write_text("hunter2", encoding="utf-8")

    error = client.fails()

    # STS and CCE forbid where IAM does not recognise.
    assert error.reason is (Reason.UNAUTHORIZED if kind in FEDERATED else Reason.FORBIDDEN)
    assert error.pause == KEY_PAUSE
    assert "hunter2" not in error.detail
    assert len(sent(simulator, "iam")) == 1


@pytest.mark.parametrize("kind", BY_ID_TOKEN)
def test_an_id_token_file_is_read_again_when_it_changes(
    kind: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(kind, simulator, home, monkeypatch)
    before = client.auth.fingerprint()

    (home / "id-token").unlink()

    assert client.auth.fingerprint() != before
    assert client.fails().reason is Reason.CREDENTIALS_UNAVAILABLE


@pytest.mark.parametrize("mode", ["token", "plain"])
def test_the_metadata_service_is_asked_with_and_without_its_token_step(mode: Any) -> None:  # noqa: ANN401 - a mode
    with Simulator([SimulatedAccount("production", csrs=3, metadata=mode)]) as simulator:
        address = simulator.metadata_url("production")

        assert Client(simulator.url, {"kind": "metadata", "metadata_endpoint": address}).poll() == 3


def test_a_machine_without_an_agency_has_no_credentials() -> None:
    with Simulator([SimulatedAccount("production", metadata="no_agency")]) as simulator:
        address = simulator.metadata_url("production")

        error = Client(simulator.url, {"kind": "metadata", "metadata_endpoint": address}).fails()

    assert (error.reason, error.pause) == (Reason.CREDENTIALS_UNAVAILABLE, 0.0)
    assert "agency" in error.detail.lower()


@pytest.mark.parametrize("effect", [Break("close"), Status(500), RawReply(200, body=b"{}")])
def test_a_metadata_service_that_fails_is_a_fault_of_its_own(
    effect: Break | Status | RawReply, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of("metadata", simulator, home, monkeypatch)
    simulator.inject(None, Fault(effect, service="metadata"))

    assert client.fails().reason in {Reason.CREDENTIALS_UNAVAILABLE, Reason.MALFORMED_REPLY}
    assert sent(simulator, "scm") == []


def a_fifo(file: Path) -> None:
    os.mkfifo(file)


def a_folder(file: Path) -> None:
    file.mkdir()


def too_large(file: Path) -> None:
    file.write_bytes(b"x" * (64 * 1024 + 1))


@pytest.mark.parametrize("make", [a_fifo, a_folder, too_large])
@pytest.mark.parametrize("kind", ["token", "profile", *BY_ID_TOKEN])
def test_what_is_no_small_regular_file_holds_no_secret(
    kind: str, make: Callable[[Path], None], simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = credentials_of(kind, ACCOUNT, simulator, home, monkeypatch)
    file = home / {"token": "token", "profile": "credentials"}.get(kind, "id-token")
    file.unlink(missing_ok=True)
    make(file)

    error = Client(simulator.url, {"kind": "token", "token_file": str(file)} if kind == "token" else given).fails()

    assert error.reason is Reason.CREDENTIALS_UNAVAILABLE
    assert str(file) in error.detail
    assert simulator.requests == ()


def test_a_device_holds_no_secret(simulator: Simulator) -> None:
    error = Client(simulator.url, {"kind": "token", "token_file": "/dev/zero"}).fails()

    assert (error.reason, error.detail) == (Reason.CREDENTIALS_UNAVAILABLE, "/dev/zero: expected a regular file")


@pytest.mark.parametrize("kind", ["token", *BY_ID_TOKEN])
def test_a_byte_order_mark_is_no_part_of_a_secret(
    kind: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = credentials_of(kind, ACCOUNT, simulator, home, monkeypatch)
    file = home / "id-token"
    file.write_text(ACCOUNT.token if kind == "token" else ACCOUNT.id_token, encoding="utf-8-sig")

    client = Client(simulator.url, {"kind": "token", "token_file": str(file)} if kind == "token" else given)

    assert client.poll() == 3


@pytest.mark.parametrize("kind", ["password", *LENT])
def test_what_has_expired_when_it_is_issued_is_asked_for_once_a_poll_and_said_in_the_log(
    kind: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(kind, simulator, home, monkeypatch)
    client.clock.time += 2 * DAY

    with capture_logs() as logged:
        for _ in range(2):
            client.poll()
            for _ in range(3):
                client.clock.time += 1
                client.api.page(Query())

    assert client.auth.renewals == 1
    assert [(each["event"], each["account"]) for each in logged] == [
        ("credential_expired_when_issued", "production")
    ] * 2


@pytest.mark.parametrize("kind", BY_ID_TOKEN)
def test_an_issuer_without_encryption_is_asked_only_where_that_is_allowed(
    kind: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = credentials_of(kind, ACCOUNT, simulator, home, monkeypatch)
    for service in ("IAM", "STS"):
        monkeypatch.setenv(f"HUAWEICLOUD_SDK_{service}_ENDPOINT", "http://issuer.invalid")
    monkeypatch.setenv("HC_CONTAINER_CREDENTIALS_FULL_URI", "http://issuer.invalid/v1/credentials")

    refused, allowed = (Client(simulator.url, given, plain_http=allow).fails() for allow in (False, True))

    assert refused.reason is Reason.CREDENTIALS_UNAVAILABLE
    assert ("CREDENTIALS_FULL_URI" if kind == "pod_identity" else "_ENDPOINT") in refused.detail
    assert "insecure_plain_http" in refused.detail
    assert allowed.reason is Reason.UNREACHABLE


@pytest.mark.parametrize("kind", BY_ID_TOKEN)
def test_an_address_of_an_issuer_that_is_none_is_said_so(
    kind: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = credentials_of(kind, ACCOUNT, simulator, home, monkeypatch)
    for service in ("IAM", "STS"):
        monkeypatch.setenv(f"HUAWEICLOUD_SDK_{service}_ENDPOINT", "issuer.example")
    monkeypatch.setenv("HC_CONTAINER_CREDENTIALS_FULL_URI", "issuer.example")

    assert Client(simulator.url, given).fails().reason is Reason.CREDENTIALS_UNAVAILABLE


@pytest.mark.parametrize("kind", BY_ID_TOKEN)
def test_an_id_token_that_the_issuer_echoes_is_not_shown(
    kind: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(kind, simulator, home, monkeypatch)
    simulator.inject(None, Fault(Status(400, body=f"no {ACCOUNT.id_token}".encode()), service="iam"))

    issuer = "pod identity" if kind == "pod_identity" else "IAM"
    assert client.fails().detail == f"{issuer}: HTTP 400 no <secret>"


@pytest.mark.parametrize("kind", ["password", *LENT])
def test_a_nest_without_end_is_a_malformed_reply(
    kind: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(kind, simulator, home, monkeypatch)
    status = 201 if kind in {"password", *FEDERATED} else 200
    headers = (("X-Subject-Token", "token"),)
    simulator.inject(None, Fault(RawReply(status, headers, b"[" * 100_000), service="iam"))
    simulator.inject(None, Fault(Status(404), service="metadata", requests=1))
    simulator.inject(None, Fault(RawReply(status, headers, b"[" * 100_000), service="metadata"))

    assert client.fails().reason is Reason.MALFORMED_REPLY


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("profile", "the credentials file, in section global or basic, cannot be read or holds no credentials"),
        ("oidc", "HUAWEICLOUD_OIDC_TOKEN_FILE is not set"),
        ("pod_identity", "HC_CONTAINER_CREDENTIALS_FULL_URI is not set"),
    ],
)
def test_a_source_that_is_not_there_says_so(
    kind: str, detail: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PROVIDER_URN", "AGENCY_URN"):
        monkeypatch.setenv(f"HUAWEICLOUD_OIDC_{name}", "urn")

    error = Client(simulator.url, {"kind": kind}).fails()

    assert error.reason is Reason.CREDENTIALS_UNAVAILABLE
    assert error.detail.startswith(detail)
    assert simulator.requests == ()
