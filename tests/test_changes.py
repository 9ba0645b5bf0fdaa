"""What changed between two complete inventories."""

from __future__ import annotations

from csr_exporter.inventory import Change, ChangeKind, changes_between
from csr_exporter.status import Account, Churn, Complete, Remembered, Status
from tests.fakes import NOW, a_csr, a_status, an_inventory


def test_a_change_says_what_happened_to_which_csr_and_between_which_polls() -> None:
    old = an_inventory(a_csr("1"), a_csr("2", name="old"))
    new = an_inventory(a_csr("2", name="new"), a_csr("3", created_at=None))

    removed, renamed, added = changes_between("production", old, NOW, new, NOW + 300)

    assert removed == Change(
        seen_at=NOW + 300,
        since=NOW,
        account="production",
        kind=ChangeKind.REMOVED,
        id="1",
        name="shop-1",
        previous_name="",
        domain="1.shop.example",
        algorithm="EC_P256",
        created_at=a_csr().created_at,
    )
    assert (renamed.kind, renamed.id, renamed.name, renamed.previous_name) == ("renamed", "2", "new", "old")
    assert (added.kind, added.id, added.created_at) == ("added", "3", None)


def test_nothing_but_a_name_makes_a_csr_another_one() -> None:
    old, new = an_inventory(a_csr("1")), an_inventory(a_csr("1", updated_at=NOW, usage="PERSONAL"))

    assert changes_between("production", old, NOW, new, NOW + 300) == ()


def test_a_status_has_the_changes_of_its_last_poll_and_counts_them_all() -> None:
    first = a_status(a_csr("1"))

    second = first.after_success(an_inventory(a_csr("2")), NOW + 300, seconds=0.1)
    third = second.after_success(an_inventory(a_csr("2")), NOW + 600, seconds=0.1)

    assert [(each.kind, each.since) for each in second.changes] == [("removed", NOW), ("added", NOW)]
    assert third.changes == ()
    assert third.churn == second.churn == Churn(added=1, removed=1)


def test_a_change_is_since_the_last_poll_that_proved_all_even_if_nothing_had_changed() -> None:
    status = a_status(a_csr("1"))

    status = status.after_success(an_inventory(a_csr("1")), NOW + 300, seconds=0.1)
    status = status.after_success(an_inventory(a_csr("9"), complete=False), NOW + 600, seconds=0.1)
    status = status.after_success(an_inventory(), NOW + 900, seconds=0.1)

    assert [(each.kind, each.since, each.seen_at) for each in status.changes] == [("removed", NOW + 300, NOW + 900)]


def test_a_new_process_shows_what_is_remembered_and_claims_no_poll() -> None:
    known = Remembered(Churn(5, 4, 3), Complete(an_inventory(a_csr("1"), a_csr("2")), NOW))

    status = Status(Account("production", stale_after=1800)).resumed(known)

    assert not status.up
    assert status.last_poll is None
    assert status.churn == Churn(5, 4, 3)
    assert status.current(NOW + 1800) is not None
    assert status.current(NOW + 1801) is None


def test_what_changed_while_no_process_ran_is_found_by_its_first_poll() -> None:
    known = Remembered(Churn(5, 4, 3), Complete(an_inventory(a_csr("1"), a_csr("2")), NOW))

    status = Status(Account("production")).resumed(known)
    status = status.after_success(an_inventory(a_csr("2")), NOW + 86_400, seconds=0.1)

    assert [(each.kind, each.id, each.since) for each in status.changes] == [("removed", "1", NOW)]
    assert status.churn == Churn(5, 5, 3)
