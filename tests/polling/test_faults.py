"""Every fault of the simulator for every kind of credentials: the right reason, no other account, recovery at once.

All accounts of a test are polled side by side, one of each kind: those are struck, and others are spared. Sleeping
takes no time, and the pauses after a refusal end when the test says so.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from csr_exporter.cloud.auth import KEY_PAUSE, PASSWORD_PAUSE, Leases
from csr_exporter.cloud.transport import ATTEMPTS
from csr_exporter.inventory import Reason, Service
from csr_exporter.polling.accounts import poller_for
from csr_exporter.polling.poller import Poller
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
from tests.fakes import a_config
from tests.kinds import BY_ID_TOKEN, KINDS, LENT, account_of, credentials_of

SPARED = ("aksk", "password", "token", "metadata")
"""Kinds of accounts that nothing is to happen to. Those of the SDK's variables cannot be twice in one process."""

PATIENCE = 0.5
"""Seconds that a request may take which a fault makes wait."""

LONG = 3600.0
"""Seconds that are longer than any pause."""

TROUBLES: Mapping[str, tuple[Fault, Reason | None]] = {
    "400": (Fault(Status(400)), Reason.BAD_REQUEST),
    "401": (Fault(Status(401)), Reason.UNAUTHORIZED),
    "403": (Fault(Status(403)), Reason.FORBIDDEN),
    "404": (Fault(Status(404)), Reason.NOT_FOUND),
    "429": (Fault(Status(429)), Reason.THROTTLED),
    # Longer than a poll may take, for no time passes while a request sleeps here.
    "429 with seconds": (Fault(Status(429, retry_after=180)), Reason.THROTTLED),
    "429 with a date": (Fault(Status(429, retry_after=180, as_date=True)), Reason.THROTTLED),
    "500": (Fault(Status(500)), Reason.SERVER_ERROR),
    "503 three times": (Fault(Status(503), requests=3), None),  # outlasted within the poll
    "a throttle": (Fault(Throttle(per_second=0.001)), Reason.THROTTLED),
    "closed": (Fault(Break("close")), Reason.UNREACHABLE),
    "reset": (Fault(Break("reset")), Reason.UNREACHABLE),
    "reset in the body": (Fault(Break("reset", in_body=True)), Reason.UNREACHABLE),
    "closed in the body": (Fault(Break("close", in_body=True)), Reason.MALFORMED_REPLY),
    "hangs": (Fault(Break("hang")), Reason.TIMEOUT),
    "hangs in the body": (Fault(Break("hang", in_body=True)), Reason.TIMEOUT),
    "latency": (Fault(Latency(LONG)), Reason.TIMEOUT),
    "outage": (outage(LONG), Reason.UNREACHABLE),
    "204": (Fault(RawReply(204)), Reason.MALFORMED_REPLY),
    "an empty object": (Fault(RawReply(body=b"{}")), Reason.MALFORMED_REPLY),
    "30 MiB": (Fault(RawReply(body=b"x" * 1024, repeat=30 * 1024)), Reason.MALFORMED_REPLY),
    "a CSR added": (Fault(Mutation("add")), None),
    "a CSR removed": (Fault(Mutation("remove")), None),
    "CSRs reordered": (Fault(Mutation("reorder")), None),
}
"""A fault of SCM, and the reason of the failure that comes of it, if any does."""


class Clock:
    """The time by which pauses end."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class World:
    """A simulated cloud and a poller for each account."""

    def __init__(self, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.simulator = simulator
        self.clock = Clock()
        self._leases = Leases(self.clock)
        self._home = home
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("HOME", str(home))
        self.pollers: dict[str, Poller] = {}

    def add(self, kind: str, account: SimulatedAccount, seconds: float) -> None:
        """Poll *account* with credentials of *kind*; a request may take *seconds*."""
        given = credentials_of(kind, account, self.simulator, self._home / account.name, self._monkeypatch)
        config = a_config(self.simulator.url, account.name, given).model_copy(update={"request_timeout": seconds})
        (configured,) = config.accounts
        self.pollers[account.name] = poller_for(config, configured, self._leases, sleep=lambda _: None, now=self.clock)

    def poll(self) -> None:
        """Poll every account, all at once."""
        with ThreadPoolExecutor(len(self.pollers)) as threads:
            list(threads.map(lambda poller: poller.poll(), self.pollers.values()))

    def reasons(self, names: Sequence[str]) -> dict[str, Reason | None]:
        """Why the last poll of each of *names* failed; None where it did not."""
        errors = ((name, self.pollers[name].status.error) for name in names)
        return {name: error.reason if error else None for name, error in errors}


@contextmanager
def world(kinds: Sequence[str], home: Path, monkeypatch: pytest.MonkeyPatch, seconds: float = 20.0) -> Iterator[World]:
    """A cloud with an account for each of *kinds*, named after it, and with those that are spared."""
    struck = {kind: account_of(kind) for kind in kinds}
    spared = {kind: account_of(kind, f"spared-{kind}") for kind in SPARED}
    with Simulator([*struck.values(), *spared.values()]) as simulator:
        made = World(simulator, home, monkeypatch)
        for kind, account in struck.items():
            made.add(kind, account, seconds)
        for kind, account in spared.items():
            made.add(kind, account, 20.0)
        yield made


def patience(fault: Fault) -> float:
    waits = isinstance(fault.effect, Latency) or (isinstance(fault.effect, Break) and fault.effect.by == "hang")
    return PATIENCE if waits else 20.0


def assert_spared(made: World) -> None:
    spared = [f"spared-{kind}" for kind in SPARED]
    assert made.reasons(spared) == dict.fromkeys(spared)
    assert all(not any(made.pollers[name].status.failures.values()) for name in spared)
    assert all(made.pollers[name].status.up for name in spared)


def assert_recovery(made: World) -> None:
    """Once the fault is gone and the pause over, the first poll is good for all, and reads everything."""
    made.simulator.clear()
    made.clock.ahead += LONG
    made.poll()
    statuses = [poller.status for poller in made.pollers.values()]
    assert [status.account.name for status in statuses if not status.up] == []
    assert all(status.snapshot and status.snapshot.inventory.complete for status in statuses)


@pytest.mark.parametrize(("fault", "reason"), TROUBLES.values(), ids=TROUBLES)
def test_a_fault_of_the_service_has_its_reason_for_every_kind_and_strikes_no_other_account(
    fault: Fault, reason: Reason | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(KINDS, tmp_path, monkeypatch, patience(fault)) as made:
        for kind in KINDS:
            made.simulator.inject(kind, replace(fault, service="scm"))

        made.poll()

        assert made.reasons(KINDS) == dict.fromkeys(KINDS, reason)
        for kind in KINDS:
            expected = {each: int(each is reason) for each in Reason}
            assert made.pollers[kind].status.failures == expected
        assert_spared(made)
        assert_recovery(made)


IAM_TROUBLES: Mapping[str, tuple[Fault, Reason]] = {
    "400": (Fault(Status(400)), Reason.BAD_REQUEST),
    "401": (Fault(Status(401)), Reason.UNAUTHORIZED),
    "403": (Fault(Status(403)), Reason.FORBIDDEN),
    "429 with seconds": (Fault(Status(429, retry_after=180)), Reason.THROTTLED),
    "500": (Fault(Status(500)), Reason.SERVER_ERROR),
    "closed": (Fault(Break("close")), Reason.UNREACHABLE),
    "reset": (Fault(Break("reset")), Reason.UNREACHABLE),
    "hangs": (Fault(Break("hang")), Reason.TIMEOUT),
    "latency": (Fault(Latency(LONG)), Reason.TIMEOUT),
    "outage": (outage(LONG), Reason.UNREACHABLE),
    "an empty object": (Fault(RawReply(body=b"{}")), Reason.MALFORMED_REPLY),
}
"""A fault of what lends credentials, and the reason that comes of it where that is IAM."""

OF_IAM = ("password", *BY_ID_TOKEN)


@pytest.mark.parametrize(("fault", "reason"), IAM_TROUBLES.values(), ids=IAM_TROUBLES)
def test_a_fault_of_iam_or_of_the_metadata_service_strikes_those_that_it_lends_to(
    fault: Fault, reason: Reason, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = (*OF_IAM, "metadata")
    with world(kinds, tmp_path, monkeypatch, patience(fault)) as made:
        for kind in kinds:
            made.simulator.inject(kind, replace(fault, service="metadata" if kind == "metadata" else "iam"))

        made.poll()

        assert made.reasons(OF_IAM) == dict.fromkeys(OF_IAM, reason)
        assert made.reasons(["metadata"]) == {"metadata": Reason.CREDENTIALS_UNAVAILABLE}
        assert_spared(made)
        assert_recovery(made)


def test_tokens_that_end_are_renewed_where_they_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(KINDS, tmp_path, monkeypatch) as made:
        made.poll()
        for kind in KINDS:
            made.simulator.inject(kind, Fault(ExpireTokens()))

        made.poll()

        assert made.reasons(KINDS) == {**dict.fromkeys(KINDS), "token": Reason.UNAUTHORIZED}
        assert made.pollers["password"].status.credential_renewals == 1
        assert_spared(made)


@pytest.mark.parametrize("reason", [Reason.SERVER_ERROR, Reason.THROTTLED])
def test_iam_is_asked_no_more_often_in_a_poll_than_scm_is(
    reason: Reason, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = {Reason.SERVER_ERROR: 503, Reason.THROTTLED: 429}[reason]
    with world(OF_IAM, tmp_path, monkeypatch) as made:
        for kind in OF_IAM:
            made.simulator.inject(kind, Fault(Status(status), service="iam"))

        made.poll()

        asked = Counter(each.account for each in made.simulator.requests if each.status == status)
        assert asked == dict.fromkeys(OF_IAM, ATTEMPTS)
        for kind in OF_IAM:
            retries = made.pollers[kind].status.traffic.retries
            assert retries[Service.IAM, reason] == ATTEMPTS - 1
            assert retries[Service.SCM, reason] == 0


# --- wrong secrets ----------------------------------------------------------------------------------------------------


POLLS = 10


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "metadata"])
def test_ten_polls_with_a_wrong_secret_try_it_no_more_often_than_the_pause_allows(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = dict.fromkeys(("secret_key", "password", "token", "id_token"), "hunter2hunter2")
    pause = PASSWORD_PAUSE if kind == "password" else KEY_PAUSE
    with Simulator([account_of(kind, csrs=3)]) as simulator:
        made = World(simulator, tmp_path, monkeypatch)
        made.add(kind, account_of(kind, **wrong), 20.0)

        for _ in range(POLLS):
            made.poll()
        tried_at_once = len(simulator.requests)
        for _ in range(POLLS):
            made.clock.ahead += 60.0
            made.poll()

        assert tried_at_once == 1
        assert len(simulator.requests) == 1 + int(POLLS * 60.0 // pause)
        assert {each.status for each in simulator.requests} <= {401, 403}
        assert made.pollers[kind].status.polls == len(simulator.requests)


def test_ten_polls_with_a_lent_key_that_is_refused_renew_it_once_for_each_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(LENT, tmp_path, monkeypatch) as made:
        for kind in LENT:
            made.simulator.inject(kind, Fault(Status(401), service="scm"))

        for _ in range(POLLS):
            made.poll()
        for _ in range(POLLS):
            made.clock.ahead += 60.0
            made.poll()

        refused = Counter(each.account for each in made.simulator.requests if each.status == 401)
        assert refused == dict.fromkeys(LENT, 2 * (1 + int(POLLS * 60.0 // KEY_PAUSE)))
        assert_spared(made)
