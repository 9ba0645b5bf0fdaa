from __future__ import annotations

from dataclasses import replace

import pytest

from csr_exporter.inventory import (
    Csr,
    OffsetMode,
    Page,
    Query,
    Reason,
    Rejection,
    SourceError,
)
from csr_exporter.listing import Knowledge, Limits, Reading, read
from tests.fakes import a_csr
from tests.listing.fake_scm import Change, FakeScm

MEANINGS = (OffsetMode.RECORD, OffsetMode.PAGE, OffsetMode.PAGE1, OffsetMode.IGNORED)
AUTO = Limits()


def csrs(number: int, **changes: object) -> list[Csr]:
    return [a_csr(f"{index:04}", **changes) for index in range(number)]


def of_algorithms(**numbers: int) -> list[Csr]:
    """So many of each, shuffled into each other."""
    each = [algorithm for algorithm, number in numbers.items() for _ in range(number)]
    order = sorted(range(len(each)), key=lambda index: (index * 7919) % 1009)
    return [a_csr(f"{index:04}", algorithm=each[index]) for index in order]


def offsets(scm: FakeScm) -> list[int]:
    return [query.offset for query in scm.log]


def ids(reading: Reading) -> set[str]:
    return {csr.id for csr in reading.inventory.csrs}


def insert_first(identity: str = "new") -> Change:
    return lambda rows: rows.insert(0, a_csr(identity))


def append(identity: str = "new") -> Change:
    return lambda rows: rows.append(a_csr(identity))


def delete(index: int) -> Change:
    return lambda rows: rows.__delitem__(index)


# What one page holds


@pytest.mark.parametrize("number", [0, 1, 49])
def test_one_page_that_holds_everything_costs_one_request(number: int) -> None:
    scm = FakeScm(csrs(number))

    reading = read(scm, AUTO)

    assert scm.log == [Query(offset=0, limit=50)]
    assert reading.inventory.complete
    assert reading.inventory.reported == len(reading.inventory.csrs) == number
    assert reading.inventory.offset_mode is OffsetMode.UNTESTED


@pytest.mark.parametrize(
    ("meaning", "first_poll"), [(OffsetMode.RECORD, 2), (OffsetMode.PAGE, 2), (OffsetMode.PAGE1, 3)]
)
def test_the_total_of_a_page_that_is_full_is_tried_once(meaning: OffsetMode, first_poll: int) -> None:
    scm = FakeScm(csrs(50), offset_mode=meaning)

    first = read(scm, AUTO)
    later = read(scm, AUTO, first.knowledge)

    assert first.inventory.complete
    assert later.inventory.complete
    assert first.inventory.requests <= first_poll
    assert later.inventory.requests == 1


def test_a_complete_inventory_counts_every_algorithm_from_the_records() -> None:
    reading = read(FakeScm(of_algorithms(SM2=3, RSA_2048=5, DSA=2)), AUTO)

    assert reading.inventory.by_algorithm == {"RSA_2048": 5, "SM2": 3, "DSA": 2}


# What an offset means


@pytest.mark.parametrize("meaning", MEANINGS[:3])
def test_what_an_offset_means_is_found_out_once(meaning: OffsetMode) -> None:
    scm = FakeScm(csrs(130), offset_mode=meaning)

    first = read(scm, AUTO)
    scm.log.clear()
    later = read(scm, AUTO, first.knowledge)

    assert first.inventory.complete
    assert later.inventory.complete
    assert later.inventory.offset_mode is meaning
    assert len(scm.log) == 3


@pytest.mark.parametrize("meaning", MEANINGS[:3])
@pytest.mark.parametrize("number", [51, 99, 100, 101, 149, 150])
def test_within_the_window_a_poll_costs_its_pages_and_the_first_at_most_four_more(
    meaning: OffsetMode, number: int
) -> None:
    scm = FakeScm(csrs(number), offset_mode=meaning)
    pages = -(-number // 50)

    first = read(scm, AUTO)
    later = read(scm, AUTO, first.knowledge)

    assert first.inventory.complete
    assert later.inventory.complete
    assert first.inventory.requests <= pages + 4
    assert later.inventory.requests <= pages


def test_an_offset_that_is_ignored_leaves_the_first_page() -> None:
    scm = FakeScm(csrs(60), offset_mode=OffsetMode.IGNORED, name_meaning="ignored")

    reading = read(scm, AUTO)

    assert reading.inventory.offset_mode is OffsetMode.IGNORED
    assert not reading.inventory.complete
    assert reading.inventory.missing == 10


def test_an_offset_that_is_refused_leaves_the_first_page() -> None:
    scm = FakeScm(csrs(60), refuses=lambda query: query.offset > 0 or query.name is not None)

    reading = read(scm, AUTO)

    assert len(ids(reading)) == 50
    assert reading.inventory.missing == 10


def test_an_offset_refused_later_ends_the_walk_and_keeps_what_was_read() -> None:
    scm = FakeScm(csrs(150), refuses=lambda query: query.offset > 50 or query.name is not None)

    reading = read(scm, AUTO)

    assert not reading.inventory.complete
    assert ids(reading) >= {f"{index:04}" for index in range(100)}


def test_offsets_are_never_sent_when_the_configuration_forbids_them() -> None:
    scm = FakeScm(csrs(160))

    reading = read(scm, Limits(offset_mode=OffsetMode.UNTESTED))

    assert set(offsets(scm)) == {0}
    assert reading.inventory.offset_mode is OffsetMode.UNTESTED


def test_a_configured_meaning_is_not_tried_out() -> None:
    scm = FakeScm(csrs(150), offset_mode=OffsetMode.PAGE)

    reading = read(scm, Limits(offset_mode=OffsetMode.PAGE))

    assert offsets(scm)[:3] == [0, 1, 2]
    assert reading.inventory.complete


@pytest.mark.parametrize("actual", MEANINGS)
@pytest.mark.parametrize("remembered", MEANINGS)
@pytest.mark.parametrize("number", [51, 100, 120])
def test_a_meaning_remembered_wrongly_is_found_out_again(
    actual: OffsetMode, remembered: OffsetMode, number: int
) -> None:
    scm = FakeScm(csrs(number), offset_mode=actual)

    reading = read(scm, AUTO, Knowledge(offset_mode=remembered))
    reading = read(scm, AUTO, reading.knowledge)

    assert reading.inventory.offset_mode is actual


@pytest.mark.parametrize("meaning", MEANINGS[:3])
@pytest.mark.parametrize("change", [insert_first(), append(), delete(0), delete(30)])
def test_a_list_that_changes_during_calibration_does_not_mislead_it(meaning: OffsetMode, change: Change) -> None:
    scm = FakeScm(csrs(80), offset_mode=meaning, changes={2: change})

    reading = read(scm, AUTO)

    assert reading.inventory.complete
    assert reading.inventory.offset_mode is meaning
    assert reading.torn_walks == 1
    assert ids(reading) == {csr.id for csr in scm.csrs}


def test_an_offset_without_bound_reaches_everything() -> None:
    scm = FakeScm(csrs(420), max_offset=None)

    reading = read(scm, Limits(max_offset=None))

    assert reading.inventory.complete
    assert reading.inventory.requests <= 2 * 9 + 1


def test_no_offset_exceeds_a_smaller_bound() -> None:
    scm = FakeScm(csrs(80), max_offset=30)

    reading = read(scm, Limits(max_offset=30))

    assert reading.inventory.complete
    assert max(offsets(scm)) <= 30


# The total


def test_without_a_total_a_short_last_page_ends_the_list() -> None:
    scm = FakeScm(csrs(120), total=lambda _matching: None)

    reading = read(scm, AUTO)

    assert reading.inventory.complete
    assert reading.inventory.reported == 120


@pytest.mark.parametrize("meaning", MEANINGS[:3])
def test_without_a_total_a_full_page_is_not_taken_for_the_last(meaning: OffsetMode) -> None:
    scm = FakeScm(csrs(50), total=lambda _matching: None, offset_mode=meaning)

    assert read(scm, AUTO).inventory.reported in {50, None}


def test_without_a_total_what_lies_past_the_window_is_unknown() -> None:
    reading = read(FakeScm(csrs(200), total=lambda _matching: None), AUTO)

    assert reading.inventory.reported is None
    assert reading.inventory.by_algorithm == {}
    assert not reading.inventory.complete


def test_a_total_smaller_than_what_was_listed_is_raised_and_proves_nothing() -> None:
    reading = read(FakeScm(csrs(40), total=lambda _matching: 30), AUTO)

    assert reading.inventory.reported == 40
    assert not reading.inventory.complete


def test_a_total_larger_than_the_list_is_believed() -> None:
    reading = read(FakeScm(csrs(120), total=lambda matching: matching + 5), AUTO)

    assert reading.inventory.reported == 125
    assert reading.inventory.missing == 5
    assert not reading.inventory.complete


def test_records_without_an_id_are_reported_but_not_listed() -> None:
    rows = csrs(70)
    rows[3] = rows[60] = a_csr("")

    reading = read(FakeScm(rows), AUTO)

    assert reading.inventory.reported == 70
    assert reading.inventory.missing == 2
    assert reading.inventory.by_algorithm == {"EC_P256": 68, "": 2}
    assert not reading.inventory.complete
    assert reading.rejected[Rejection.MISSING_ID] >= 2


# Counts past the window


def test_counts_past_the_window_come_from_filtered_totals() -> None:
    scm = FakeScm(of_algorithms(RSA_2048=150, EC_P256=100, SM2=50, DSA=40), name_meaning="ignored")

    inventory = read(scm, AUTO).inventory

    assert {name: inventory.by_algorithm[name] for name in ("RSA_2048", "EC_P256", "SM2")} == {
        "RSA_2048": 150,
        "EC_P256": 100,
        "SM2": 50,
    }
    assert sum(inventory.by_algorithm.values()) == inventory.reported == 340


def test_an_algorithm_filter_that_is_ignored_counts_nothing() -> None:
    scm = FakeScm(of_algorithms(RSA_2048=150, EC_P256=100))

    inventory = read(lambda query: scm(Query(query.offset, query.limit, query.name)), AUTO).inventory

    assert inventory.by_algorithm["RSA_2048"] <= 150
    assert sum(inventory.by_algorithm.values()) == inventory.reported == 250


def test_an_algorithm_the_service_refuses_is_counted_as_listed() -> None:
    scm = FakeScm(
        of_algorithms(RSA_2048=150, SM2=100),
        name_meaning="ignored",
        refuses=lambda query: query.algorithm == "SM2",
    )

    inventory = read(scm, AUTO).inventory

    assert inventory.by_algorithm["RSA_2048"] == 150
    assert sum(inventory.by_algorithm.values()) == inventory.reported == 250


# A list that changes


@pytest.mark.parametrize("change", [insert_first(), append(), delete(10), delete(100)])
@pytest.mark.parametrize("moment", [2, 3, 4])
def test_a_torn_walk_is_begun_once_more(change: Change, moment: int) -> None:
    scm = FakeScm(csrs(140), changes={moment: change})

    reading = read(scm, AUTO)

    assert reading.torn_walks == 1
    assert reading.inventory.complete
    assert ids(reading) == {csr.id for csr in scm.csrs}


def test_a_walk_torn_twice_is_published_as_incomplete() -> None:
    scm = FakeScm(csrs(140), changes={moment: insert_first(f"new{moment}") for moment in range(2, 30)})

    reading = read(scm, AUTO)

    assert reading.torn_walks == 2
    assert not reading.inventory.complete
    assert sum(reading.inventory.by_algorithm.values()) == reading.inventory.reported


def test_rows_that_move_are_noticed_though_the_total_stays() -> None:
    def replace_first(rows: list[Csr]) -> None:
        del rows[0]
        rows.append(a_csr("new"))

    scm = FakeScm(csrs(140), changes={3: replace_first})

    reading = read(scm, AUTO)

    assert reading.torn_walks == 1
    assert ids(reading) == {csr.id for csr in scm.csrs}


# Errors and budget


@pytest.mark.parametrize("reason", list(Reason))
def test_an_error_on_the_first_page_is_raised(reason: Reason) -> None:
    def failing(_query: Query) -> Page:
        raise SourceError(reason, "as told")

    with pytest.raises(SourceError, match="as told"):
        read(failing, AUTO)


def test_an_error_on_a_later_page_is_raised() -> None:
    scm = FakeScm(csrs(140))

    def failing(query: Query) -> Page:
        if query.offset:
            raise SourceError(Reason.SERVER_ERROR, "500")
        return scm(query)

    with pytest.raises(SourceError, match="500"):
        read(failing, AUTO)


@pytest.mark.parametrize("budget", [1, 2, 3, 5, 9])
def test_the_budget_is_kept_and_what_was_read_published(budget: int) -> None:
    scm = FakeScm(csrs(300))

    reading = read(scm, Limits(max_requests=budget))

    assert len(scm.log) == reading.inventory.requests <= budget
    assert reading.inventory.reported == 300
    assert reading.inventory.missing == 300 - len(ids(reading))
    assert sum(reading.inventory.by_algorithm.values()) == 300


@pytest.mark.parametrize("budget", [5, 20, 60])
def test_pages_that_are_shorter_than_asked_cost_no_more_than_the_budget(budget: int) -> None:
    scm = FakeScm(csrs(2000), max_offset=None)

    reading = read(
        lambda query: scm(replace(query, limit=min(query.limit, 20))), Limits(max_offset=None, max_requests=budget)
    )

    assert len(scm.log) == reading.inventory.requests <= budget
