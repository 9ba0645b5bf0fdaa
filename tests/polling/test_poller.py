"""One poll: it never raises, keeps what was good, says once what went wrong, and waits where it must."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import pytest
import structlog

from csr_exporter.inventory import Exchange, Page, Query, Reason, Service, SourceError
from csr_exporter.listing import Limits
from csr_exporter.polling.poller import Poller, Source
from csr_exporter.status import Account
from tests.fakes import NOW, a_csr


class Read(Page):
    """A page that can be looked for after its end."""


FORBIDDEN = SourceError(Reason.FORBIDDEN, "HTTP 403")
LOCKING = SourceError(Reason.UNAUTHORIZED, "HTTP 401", pause=300)


class FakeSource:
    """Gives the answers it was made with, one per poll and the last for ever; raises those that are errors."""

    expires_at: float | None = NOW + 3600
    renewals: int | None = 2

    def __init__(self, *answers: Page | Exception) -> None:
        self._answers = list(answers)
        self.secret = b"secret"
        self.polls = self.ended = 0
        self.wire: Poller | None = None

    def start(self, seconds: float) -> None:
        assert seconds == 120
        self.polls += 1

    def end(self) -> None:
        self.ended += 1

    def page(self, query: Query) -> Page:
        assert self.ended == self.polls - 1
        if self.wire:
            self.wire.exchanged(Exchange(Service.SCM, "200", 0.1))
        answer = self._answers[min(self.polls, len(self._answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer if query.offset == 0 else Page((), answer.total, 0)

    def fingerprint(self) -> bytes:
        return self.secret


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def a_page(*identities: str) -> Page:
    return Page(tuple(map(a_csr, identities)), total=len(identities), entries=len(identities))


def a_poller(source: Source, now: Callable[[], float] = lambda: NOW) -> Poller:
    return Poller(Account("production"), Limits(), timeout=120, connect=lambda _: source, now=now)


def test_a_good_poll_makes_a_snapshot() -> None:
    poller = a_poller(FakeSource(a_page("1", "2")))

    poller.poll(next_poll=NOW + 300)

    status = poller.status
    assert status.up
    assert status.snapshot is not None
    assert (status.snapshot.inventory.reported, status.snapshot.inventory.complete) == (2, True)
    assert (status.last_success, status.next_poll) == (NOW, NOW + 300)
    assert (status.credential_expires_at, status.credential_renewals) == (NOW + 3600, 2)


def test_a_failed_poll_keeps_the_last_good_snapshot() -> None:
    poller = a_poller(FakeSource(a_page("1"), FORBIDDEN))
    poller.poll()
    good = poller.status.snapshot

    poller.poll()

    assert poller.status.snapshot is good
    assert poller.status.error is not None
    assert poller.status.error.reason is Reason.FORBIDDEN


def test_a_failed_poll_keeps_nothing_that_it_had_read() -> None:
    kept: list[weakref.ref[Read]] = []

    class Failing(FakeSource):
        def page(self, _: Query) -> Page:
            page = Read((), total=0, entries=0)
            kept.append(weakref.ref(page))
            raise SourceError(Reason.FORBIDDEN, "HTTP 403")

    poller = a_poller(Failing(a_page()))

    poller.poll()

    assert poller.status.error is not None
    assert [page() for page in kept] == [None]


def test_a_good_poll_is_logged_once() -> None:
    with structlog.testing.capture_logs() as events:
        a_poller(FakeSource(a_page("1"))).poll()

    (event,) = events
    assert event.pop("duration_seconds") >= 0
    assert event == {
        "event": "poll_succeeded",
        "log_level": "info",
        "account": "production",
        "reported": 1,
        "listed": 1,
        "complete": True,
        "requests": 1,
    }


def test_a_failed_poll_is_logged_once_with_what_to_do() -> None:
    with structlog.testing.capture_logs() as events:
        a_poller(FakeSource(LOCKING)).poll()

    (event,) = events
    assert event.pop("duration_seconds") >= 0
    assert event == {
        "event": "poll_failed",
        "log_level": "warning",
        "account": "production",
        "reason": "unauthorized",
        "detail": "HTTP 401",
        "advice": "check the key, password or token, that it belongs to this site, and this machine's clock",
        "pause_seconds": 300,
    }


def test_a_fault_of_our_own_is_a_failed_poll_and_polling_goes_on() -> None:
    poller = a_poller(FakeSource(ZeroDivisionError("secret"), a_page("1")))

    with structlog.testing.capture_logs() as events:
        poller.poll()

    assert poller.status.failures[Reason.INTERNAL] == 1
    assert [event["event"] for event in events] == ["poll_crashed", "poll_failed"]
    poller.poll()
    assert poller.status.up


@pytest.mark.parametrize("answer", [a_page("1"), FORBIDDEN, ZeroDivisionError()])
def test_the_source_is_told_when_a_poll_has_ended_however_it_did(answer: Page | Exception) -> None:
    source = FakeSource(answer)

    a_poller(source).poll()

    assert source.ended == 1


def test_no_poll_is_made_or_counted_while_a_pause_runs() -> None:
    clock = Clock()
    source = FakeSource(LOCKING)
    poller = a_poller(source, clock)
    poller.poll()

    clock.now += 299
    poller.poll(next_poll=clock.now + 300)

    assert (source.polls, poller.status.polls) == (1, 1)
    assert poller.status.waiting_until == NOW + 300
    assert poller.status.next_poll == clock.now + 300


def test_polling_goes_on_after_the_pause() -> None:
    clock = Clock()
    poller = a_poller(FakeSource(LOCKING, a_page("1")), clock)
    poller.poll()

    clock.now += 300
    poller.poll()

    assert poller.status.up
    assert poller.status.waiting_until is None


def test_a_pause_does_not_outlast_a_clock_that_was_set_back() -> None:
    clock = Clock()
    poller = a_poller(FakeSource(LOCKING, a_page("1")), clock)
    poller.poll()

    clock.now -= 3600
    poller.poll()

    assert poller.status.up


def test_a_new_secret_ends_the_pause() -> None:
    source = FakeSource(LOCKING, a_page("1"))
    poller = a_poller(source)
    poller.poll()

    source.secret = b"new secret"
    poller.poll()

    assert poller.status.up


@pytest.mark.parametrize("answer", [FORBIDDEN, SourceError(Reason.TIMEOUT, "")])
def test_a_fault_that_locks_nothing_does_not_pause(answer: SourceError) -> None:
    source = FakeSource(answer)
    poller = a_poller(source)

    poller.poll()
    poller.poll()

    assert source.polls == 2


def test_what_goes_over_the_wire_is_part_of_the_status() -> None:
    poller = a_poller(FakeSource(a_page("1")))

    poller.exchanged(Exchange(Service.SCM, "200", 0.1))
    poller.retried(Service.SCM, Reason.TIMEOUT)

    assert poller.status.traffic.requests[Service.SCM, "200"] == 1
    assert poller.status.traffic.retries[Service.SCM, Reason.TIMEOUT] == 1


def test_a_poll_is_remembered_with_the_requests_it_sent_and_none_of_those_before() -> None:
    source = FakeSource(a_page("1"), FORBIDDEN)
    poller = a_poller(source)
    source.wire = poller

    poller.poll()
    poller.poll()

    assert [(poll.requests, poll.reason) for poll in poller.status.recent] == [(1, None), (1, Reason.FORBIDDEN)]


def test_a_poll_that_a_pause_forbids_is_not_remembered() -> None:
    poller = a_poller(FakeSource(LOCKING))

    poller.poll()
    poller.poll()

    assert len(poller.status.recent) == 1


def test_a_successor_knows_the_polls_before_it() -> None:
    before, after = a_poller(FakeSource(a_page("1"))), a_poller(FakeSource(a_page("1")))
    before.poll()

    after.inherit(before)

    assert after.status.recent == before.status.recent != ()


def test_changes_are_logged_by_name_and_a_flood_of_them_is_cut_short() -> None:
    many = [f"{number}" for number in range(49)]
    source = FakeSource(a_page("old"), a_page(*many))
    poller = a_poller(source)
    poller.poll()

    with structlog.testing.capture_logs() as events, pytest.MonkeyPatch.context() as patch:
        patch.setattr("csr_exporter.polling.poller.MOST_LOGGED", 10)
        poller.poll()

    named = [event for event in events if event["event"] in {"csr_added", "csr_removed"}]
    assert named[0] == {
        "event": "csr_removed",
        "log_level": "info",
        "account": "production",
        "id": "old",
        "name": "shop-old",
        "domain_name": "old.shop.example",
        "private_key_algo": "EC_P256",
    }
    assert len(named) == 10
    assert events[-1] == {
        "event": "csr_changes_omitted",
        "log_level": "warning",
        "account": "production",
        "changes": 40,
    }


def test_a_renamed_csr_is_logged_with_both_names() -> None:
    before, after = (Page((a_csr("1", name=name),), total=1, entries=1) for name in ("old", "new"))
    poller = a_poller(FakeSource(before, after))
    poller.poll()

    with structlog.testing.capture_logs() as events:
        poller.poll()

    (renamed,) = [event for event in events if event["event"] == "csr_renamed"]
    assert (renamed["previous_name"], renamed["name"]) == ("old", "new")
