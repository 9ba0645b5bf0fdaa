"""Completeness as a theorem, against services that change while they are read."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csr_exporter.inventory import OffsetMode
from csr_exporter.listing import Knowledge, Limits, read
from csr_exporter.listing.offsets import Paging
from csr_exporter.listing.pages import PAGE_SIZE
from tests.listing.adversary import BREAKS_ASSUMPTIONS, REGIMES, World, a_world, is_wrong
from tests.listing.fake_scm import FakeScm
from tests.listing.plausible import plausible_csrs

HONEST = [regime for regime in REGIMES if regime not in BREAKS_ASSUMPTIONS]
WITHOUT_TOTALS = ("totals of the page", "no totals")
WITHOUT_NAMES = ("exact", "ignored names")
SEEDS = st.integers(0, 100_000)


@pytest.mark.parametrize("regime", HONEST)
@settings(max_examples=2)
@given(seed=SEEDS, restless=st.sampled_from([0.02, 0.1, 0.3]))
def test_what_is_called_complete_was_the_list_at_some_moment_of_the_poll(
    regime: str, seed: int, restless: float
) -> None:
    world = REGIMES[regime](seed)
    world.restless = restless

    for _ in range(3):
        reading = world.poll()

        assert not is_wrong(world, reading)
        assert sum(reading.inventory.by_algorithm.values()) == (reading.inventory.reported or 0)


def can_be_read(regime: str, world: World) -> bool:
    """Whether pages reach every row, and show that it is every one."""
    number = len(world.scm.csrs)
    window = Paging(world.scm.offset_mode, world.scm.max_offset).window or number
    if regime in WITHOUT_TOTALS:
        return number <= window and number % PAGE_SIZE > 0
    algorithms = Counter(csr.algorithm for csr in world.scm.csrs)
    return regime not in WITHOUT_NAMES or number <= window or max(algorithms.values()) <= window


@pytest.mark.parametrize("regime", [regime for regime in HONEST if regime != "tight"])
@settings(max_examples=4)
@given(seed=SEEDS)
def test_a_list_that_holds_still_is_complete_if_its_rows_can_be_read(regime: str, seed: int) -> None:
    world = REGIMES[regime](seed)
    everything = world.scm.ids
    world.poll()

    reading = world.poll()

    assert reading.inventory.complete == can_be_read(regime, world)
    assert reading.torn_walks == 0
    if reading.inventory.complete:
        assert {csr.id for csr in reading.inventory.csrs} == everything


def test_a_total_of_ten_thousand_means_at_least_so_many() -> None:
    scm = FakeScm(plausible_csrs(10_050), max_offset=None, total=lambda matching: min(matching, 10_000))

    reading = read(scm, Limits(max_offset=None))

    assert not reading.inventory.complete


@pytest.mark.parametrize("number", [10_000, 10_001])
def test_a_list_of_ten_thousand_or_more_is_complete_where_its_end_was_seen(number: int) -> None:
    scm = FakeScm(plausible_csrs(number), offset_mode=OffsetMode.PAGE, max_offset=None)
    knowledge = Knowledge()

    for _ in range(2):
        scm.start_anew()
        reading = read(scm, Limits(max_offset=None), knowledge)
        knowledge = reading.knowledge

        assert reading.inventory.complete
        assert reading.inventory.reported == number
    assert reading.inventory.requests <= 201


@pytest.mark.parametrize("number", [60, 120])
def test_a_total_that_counts_the_page_is_found_out(number: int) -> None:
    world = a_world(1, sizes=[number], max_offset=100, count=lambda _query, _rows, _matching, shown: shown)

    reading = world.poll()

    assert reading.inventory.complete
    assert len(reading.inventory.csrs) == number


def test_an_unchanged_list_is_replayed_with_no_more_requests() -> None:
    scm, knowledge, requests = FakeScm(plausible_csrs(600)), Knowledge(), []

    for _ in range(4):
        reading = read(scm, Limits(), knowledge)
        knowledge = reading.knowledge
        requests.append(reading.inventory.requests)

    assert reading.inventory.complete
    assert requests[3] <= requests[2] <= requests[1] <= requests[0]
