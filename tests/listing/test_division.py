"""Lists of more CSRs than one walk can reach, read slice by slice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from csr_exporter.inventory import OffsetMode, Page, Query, Reason, SourceError
from csr_exporter.listing import Knowledge, Limits, Reading, read
from tests.fakes import a_csr
from tests.listing.fake_scm import FakeScm
from tests.listing.plausible import plausible_csrs
from tests.requests_table import meaning_row, polls, size_row

COMPLETENESS = Path(__file__).parents[2] / "docs" / "completeness.md"


def algorithms_of(scm: FakeScm) -> dict[str, int]:
    return dict(Counter(csr.algorithm for csr in scm.csrs))


def counted(reading: Reading) -> dict[str, int]:
    return {algorithm: count for algorithm, count in reading.inventory.by_algorithm.items() if count}


@pytest.mark.parametrize(("size", "first", "later"), [(151, 51, 27), (400, 51, 27), (901, 114, 51), (2000, 348, 137)])
def test_a_list_past_the_window_is_whole_from_the_first_poll_with_few_requests(
    size: int, first: int, later: int
) -> None:
    scm = FakeScm(plausible_csrs(size))

    at_first, afterwards = polls(scm, 2)

    assert at_first.inventory.complete
    assert afterwards.inventory.complete
    assert {csr.id for csr in at_first.inventory.csrs} == scm.ids
    assert counted(at_first) == algorithms_of(scm)
    assert at_first.inventory.requests <= first
    assert afterwards.inventory.requests <= later


@pytest.mark.parametrize(
    ("mode", "max_offset", "seed"),
    [(OffsetMode.PAGE, 2, 4), pytest.param(OffsetMode.RECORD, 0, 4, id="one name tells itself apart by its beginning")],
)
def test_a_list_whose_pages_are_shorter_than_asked_for_is_whole(mode: OffsetMode, max_offset: int, seed: int) -> None:
    rows = sorted(plausible_csrs(320, seed), key=lambda csr: -(csr.created_at or 0))
    scm = FakeScm(rows, offset_mode=mode, max_offset=max_offset, most_rows=20)

    reading = read(scm, Limits(max_offset=max_offset, max_requests=500))

    assert reading.inventory.complete
    assert {csr.id for csr in reading.inventory.csrs} == scm.ids


def test_the_documented_number_of_requests_is_the_measured_one() -> None:
    page = COMPLETENESS.read_text(encoding="utf-8")

    for size in (50, 150, 151, 400, 901):
        assert size_row(size) in page
    assert meaning_row("exact") in page


def test_ten_thousand_are_counted_exactly_even_where_few_are_read() -> None:
    scm = FakeScm(plausible_csrs(10_000))

    reading = read(scm, Limits(max_requests=12))

    assert not reading.inventory.complete
    assert counted(reading) == algorithms_of(scm)
    assert reading.inventory.missing == 10_000 - len(reading.inventory.csrs)


def test_what_a_poll_cannot_finish_the_next_ones_do() -> None:
    scm, knowledge, missing = FakeScm(plausible_csrs(901)), Knowledge(), []

    for _ in range(6):
        reading = read(scm, Limits(max_requests=20), knowledge)
        knowledge = reading.knowledge
        missing.append(reading.inventory.missing or 0)

    assert missing[0] > 0
    assert missing == sorted(missing, reverse=True)
    assert reading.inventory.complete
    assert {csr.id for csr in reading.inventory.csrs} == scm.ids


def test_names_that_the_filter_cannot_separate_leave_the_right_number_missing() -> None:
    scm = FakeScm([a_csr(f"{index:04}", name="shop", algorithm=("SM2", "RSA_2048")[index % 2]) for index in range(400)])

    for reading in polls(scm, 3):
        assert not reading.inventory.complete
        assert counted(reading) == {"SM2": 200, "RSA_2048": 200}
        assert reading.inventory.missing == 400 - len(reading.inventory.csrs) == 100
        assert reading.inventory.requests < 50


def test_a_deadline_ends_the_division_and_keeps_what_was_read() -> None:
    scm = FakeScm(plausible_csrs(901))

    def until_the_deadline(query: Query) -> Page:
        if len(scm.log) == 20:
            raise SourceError(Reason.DEADLINE, "poll_timeout")
        return scm(query)

    reading = read(until_the_deadline, Limits())

    assert not reading.inventory.complete
    assert counted(reading) == algorithms_of(scm)
    assert 150 < len(reading.inventory.csrs) < 901


def test_a_fault_during_the_division_fails_the_poll() -> None:
    scm = FakeScm(plausible_csrs(901), refuses=lambda query: query.name is not None)

    def faulty(query: Query) -> Page:
        if query.name is not None:
            raise SourceError(Reason.THROTTLED, "429")
        return scm(query)

    with pytest.raises(SourceError, match="429"):
        read(faulty, Limits())


def test_a_name_filter_that_is_refused_leaves_the_algorithms() -> None:
    scm = FakeScm(plausible_csrs(901), refuses=lambda query: query.name is not None)

    reading = read(scm, Limits())

    assert not reading.inventory.complete
    assert counted(reading) == algorithms_of(scm)
    assert sum(query.name is not None for query in scm.log) == 1
