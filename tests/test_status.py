"""A status and what events make of it."""

from __future__ import annotations

from csr_exporter.inventory import RETRIED, Exchange, OffsetMode, Reason, Rejection, Service, SourceError
from csr_exporter.status import LATENCY_BUCKETS, RECENT_POLLS, Account, Churn, Latency, Poll, Status, Traffic
from tests.fakes import NOW, a_csr, a_status, an_inventory

FORBIDDEN = SourceError(Reason.FORBIDDEN, "HTTP 403")


def test_an_account_is_not_up_before_its_first_poll() -> None:
    status = Status(Account("production"))

    assert not status.up
    assert status.current(NOW) is None
    assert status.offset_mode is OffsetMode.UNTESTED


def test_a_failed_poll_keeps_the_last_good_snapshot_and_is_counted() -> None:
    good = a_status(a_csr())

    status = good.after_failure(FORBIDDEN, NOW + 60, seconds=0.1)

    assert not status.up
    assert status.snapshot is good.snapshot
    assert status.failures[Reason.FORBIDDEN] == 1
    assert (status.polls, status.last_poll, status.last_success) == (2, NOW + 60, NOW)


def test_a_good_poll_ends_an_error() -> None:
    status = a_status(a_csr()).after_failure(FORBIDDEN, NOW, seconds=0.1)

    status = status.after_success(an_inventory(a_csr()), NOW + 60, seconds=0.2)

    assert status.up
    assert status.error is None
    assert status.failures[Reason.FORBIDDEN] == 1


def test_an_inventory_is_stale_once_it_is_older_than_allowed() -> None:
    status = a_status(a_csr(), account=Account("production", stale_after=1800))

    assert status.current(NOW + 1800) is status.snapshot
    assert status.current(NOW + 1801) is None


def test_changes_between_complete_inventories_are_counted() -> None:
    status = a_status(a_csr("1"), a_csr("2"), a_csr("3", name="old"))

    status = status.after_success(
        an_inventory(a_csr("2"), a_csr("3", name="new"), a_csr("4"), a_csr("5")), NOW, seconds=0.1
    )

    assert status.churn == Churn(added=2, removed=1, renamed=1)


def test_the_first_inventory_counts_nothing_as_new() -> None:
    assert a_status(a_csr("1"), a_csr("2")).churn == Churn()


def test_an_incomplete_inventory_proves_nothing_gone_or_new() -> None:
    status = a_status(a_csr("1"), a_csr("2"))

    torn = status.after_success(an_inventory(a_csr("3"), complete=False), NOW, seconds=0.1)
    whole = torn.after_success(an_inventory(a_csr("1"), a_csr("3")), NOW, seconds=0.1)

    assert torn.churn == Churn()
    assert whole.churn == Churn(added=1, removed=1)


def test_an_equal_inventory_keeps_its_snapshot_and_all_else_goes_on() -> None:
    first = a_status(a_csr("1"), a_csr("2"))

    second = first.after_success(an_inventory(a_csr("1"), a_csr("2")), NOW + 300, seconds=0.5)
    third = second.after_success(an_inventory(a_csr("1"), a_csr("2", name="new")), NOW + 600, seconds=0.5)

    assert second.snapshot is first.snapshot
    assert (second.polls, second.last_success, second.churn) == (2, NOW + 300, Churn())
    assert third.snapshot is not first.snapshot
    assert third.churn == Churn(renamed=1)


def test_rejected_records_and_torn_walks_add_up() -> None:
    status = a_status(a_csr())

    for _ in range(2):
        status = status.after_success(an_inventory(a_csr()), NOW, 0.1, 1, {Rejection.MISSING_ID: 3})

    assert status.torn_walks == 2
    assert status.rejected[Rejection.MISSING_ID] == 6
    assert status.rejected[Rejection.BAD_FIELD] == 0


def test_requests_are_counted_by_service_and_code() -> None:
    traffic = Traffic()

    traffic = traffic.after(Exchange(Service.SCM, "200", 0.2, clock_skew=1.5))
    traffic = traffic.after(Exchange(Service.SCM, "error", 5.0))

    assert traffic.requests == {(Service.SCM, "200"): 1, (Service.SCM, "error"): 1}
    assert traffic.latency[Service.SCM].seconds == 5.2
    assert traffic.clock_skew == 1.5


def test_retries_start_at_zero_for_every_reason_of_a_service() -> None:
    assert Traffic().retries == {(service, reason): 0 for service in Service for reason in RETRIED}
    assert Traffic().after_retry(Service.IAM, Reason.TIMEOUT).retries[Service.IAM, Reason.TIMEOUT] == 1


def test_a_latency_falls_into_the_first_bucket_that_holds_it() -> None:
    latency = Latency().after(LATENCY_BUCKETS[0]).after(LATENCY_BUCKETS[-1] + 1)

    assert latency.counts == (1, *(0,) * (len(LATENCY_BUCKETS) - 1), 1)


def test_the_latest_polls_are_remembered_with_how_they_went() -> None:
    status = Status(Account("production"))

    for number in range(RECENT_POLLS):
        status = status.after_failure(FORBIDDEN, NOW + number, seconds=0.5, requests=number)
    status = status.after_success(an_inventory(), NOW + 100, seconds=2.0, requests=7)

    assert len(status.recent) == RECENT_POLLS
    assert status.recent[0] == Poll(NOW + 1, 0.5, 1, Reason.FORBIDDEN)
    assert status.recent[-1] == Poll(NOW + 100, 2.0, 7)
    assert status.recent[-1].started_at == NOW + 98


def test_the_next_request_comes_after_a_pause_however_often_the_scheduler_calls() -> None:
    status = a_status(next_poll=NOW + 60, waiting_until=NOW + 300)

    assert status.next_request(NOW) == NOW + 300
    assert status.next_request(NOW + 301) == NOW + 60
    assert a_status(next_poll=NOW + 60, waiting_until=NOW + 30).next_request(NOW) == NOW + 60
    assert a_status().next_request(NOW) is None
