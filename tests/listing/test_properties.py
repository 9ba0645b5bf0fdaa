"""What holds whatever the list, the service and the moment."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import count

from hypothesis import event, given, settings
from hypothesis import strategies as st

from csr_exporter.inventory import DOCUMENTED_ALGORITHMS, Csr, OffsetMode
from csr_exporter.listing import Knowledge, Limits, Reading, read
from tests.fakes import NOW, a_csr
from tests.listing.fake_scm import NAME_MEANINGS, Change, FakeScm
from tests.listing.plausible import plausible_csrs

MODES = (OffsetMode.RECORD, OffsetMode.PAGE, OffsetMode.PAGE1, OffsetMode.IGNORED)
SIZES = st.sampled_from([0, 1, 49, 50, 51, 99, 100, 101, 149, 150, 151, 152, 200, 230, 300, 450, 600])
ENOUGH_TO_COUNT = 500
CLOCK = count(1)
"""Seconds that have passed: what is created later is newer, also after the newest was deleted."""


def plausible(number: int, source: random.Random) -> list[Csr]:
    return plausible_csrs(number, source.randrange(1000))


def inseparable(number: int, source: random.Random) -> list[Csr]:
    return [a_csr(f"{index:04}", name=source.choice(["shop", "shop", "pay"])) for index in range(number)]


def random_texts(number: int, source: random.Random) -> list[Csr]:
    alphabet = "aAbB_%- 支付"
    names = ["".join(source.choices(alphabet, k=source.randrange(40))) for _ in range(number)]
    return [a_csr(f"{index:04}", name=name) for index, name in enumerate(names)]


def numbered(number: int, _source: random.Random) -> list[Csr]:
    return [a_csr(f"{index:04}", name=f"csr-{index}", created_at=NOW - index) for index in range(number)]


@st.composite
def lists(draw: st.DrawFn, sizes: st.SearchStrategy[int] = SIZES) -> list[Csr]:
    """Names of one kind, algorithms of few or many, in one order or another."""
    source = random.Random(draw(st.integers(0, 10_000)))  # noqa: S311 - repeatable test data, nothing secret
    kind = draw(st.sampled_from([plausible, plausible, numbered, inseparable, random_texts]))
    algorithms = draw(st.sampled_from([("SM2",), ("RSA_2048", "DSA", ""), (*DOCUMENTED_ALGORITHMS, "DSA")]))
    rows = [replace(csr, algorithm=source.choice(algorithms)) for csr in kind(draw(sizes), source)]
    match draw(st.sampled_from(["newest first", "oldest first", "shuffled"])):
        case "oldest first":
            rows.reverse()
        case "shuffled":
            source.shuffle(rows)
    return rows


@st.composite
def services(draw: st.DrawFn) -> FakeScm:
    return FakeScm(
        draw(lists()),
        offset_mode=draw(st.sampled_from(MODES)),
        max_offset=draw(st.sampled_from([0, 1, 2, 30, 100, 100, 100, None])),
        name_meaning=draw(st.sampled_from([*NAME_MEANINGS, "substring"])),
        case_sensitive=draw(st.booleans()),
    )


def limits_for(scm: FakeScm, budget: int = 500) -> Limits:
    return Limits(max_offset=scm.max_offset, max_requests=budget)


def ids(reading: Reading) -> set[str]:
    return {csr.id for csr in reading.inventory.csrs}


def assert_legal(scm: FakeScm, budget: int) -> None:
    assert len(scm.log) <= budget
    assert {query.limit for query in scm.log} <= {10, 20, 50}
    assert all(query.offset >= 0 for query in scm.log)
    assert scm.max_offset is None or all(query.offset <= scm.max_offset for query in scm.log)
    assert all(len(query.name or "x") <= 32 for query in scm.log)


def documented(counts: Counter[str] | dict[str, int]) -> dict[str, int]:
    return {algorithm: counts[algorithm] for algorithm in DOCUMENTED_ALGORITHMS if counts.get(algorithm)}


@settings(max_examples=15)
@given(scm=services(), budget=st.sampled_from([1, 2, 7, 30, 60, 500]))
def test_a_list_that_holds_still_is_whole_or_the_right_number_is_missing(scm: FakeScm, budget: int) -> None:
    knowledge = Knowledge()
    for _ in range(3):
        scm.start_anew()
        reading = read(scm, limits_for(scm, budget), knowledge)
        inventory, knowledge = reading.inventory, reading.knowledge

        assert_legal(scm, budget)
        assert len(scm.log) == inventory.requests
        assert inventory.reported == len(scm.csrs) == sum(inventory.by_algorithm.values())
        assert inventory.missing == len(scm.csrs) - len(ids(reading))
        assert inventory.complete == (inventory.missing == 0) or inventory.requests >= budget - 1
        assert inventory.complete <= (inventory.missing == 0)
        assert set(inventory.csrs) <= set(scm.csrs)
        assert reading.torn_walks == 0
        if budget == ENOUGH_TO_COUNT:
            assert documented(dict(inventory.by_algorithm)) == documented(Counter(csr.algorithm for csr in scm.csrs))
        event(f"complete: {inventory.complete}, divided: {len(scm.csrs) > 150}")


@settings(max_examples=15)
@given(scm=services(), nameless=st.integers(1, 20))
def test_records_without_an_id_are_missing_and_nothing_else_is_lost(scm: FakeScm, nameless: int) -> None:
    step = max(1, len(scm.csrs) // nameless)
    scm.csrs[::step] = [replace(csr, id="") for csr in scm.csrs[::step]]

    reading = read(scm, limits_for(scm))

    assert_legal(scm, 500)
    assert reading.inventory.reported == len(scm.csrs) == sum(reading.inventory.by_algorithm.values())
    assert reading.inventory.complete == (not scm.csrs)
    assert reading.inventory.missing == len(scm.csrs) - len(ids(reading))


def insert(where: float) -> Change:
    """A new CSR; at the top it is the newest of all, elsewhere as old as its neighbours."""

    def change(rows: list[Csr]) -> None:
        index = int(where * (len(rows) + 1))
        created_at = NOW + next(CLOCK) if index == 0 else NOW
        rows.insert(index, a_csr(f"new-{index}-{len(rows)}-{created_at}", name="brand-new", created_at=created_at))

    return change


def delete(where: float) -> Change:
    def change(rows: list[Csr]) -> None:
        if rows:
            del rows[int(where * len(rows))]

    return change


def rename(where: float) -> Change:
    def change(rows: list[Csr]) -> None:
        if rows:
            index = int(where * len(rows))
            rows[index] = replace(rows[index], name="renamed")

    return change


PLACES = st.one_of(st.just(0.0), st.floats(0.0, 1.0, exclude_max=True))
MOMENTS = st.one_of(st.integers(2, 12), st.integers(2, 120))


@settings(max_examples=15)
@given(scm=services(), kind=st.sampled_from([insert, delete]), changes=st.dictionaries(MOMENTS, PLACES, max_size=4))
def test_what_is_called_complete_is_the_list_at_some_moment_of_the_poll(
    scm: FakeScm, kind: type, changes: dict[int, float]
) -> None:
    knowledge = Knowledge()
    for _ in range(2):
        scm.start_anew({moment: kind(where) for moment, where in changes.items()})
        reading = read(scm, limits_for(scm), knowledge)
        knowledge = reading.knowledge

        assert_legal(scm, 500)
        assert sum(reading.inventory.by_algorithm.values()) == reading.inventory.reported
        assert not reading.inventory.complete or ids(reading) in scm.moments
        event(f"complete: {reading.inventory.complete}, torn: {reading.torn_walks}")


@settings(max_examples=15)
@given(
    scm=services(),
    changes=st.dictionaries(
        MOMENTS, st.tuples(st.sampled_from([insert, delete, rename]), PLACES), min_size=1, max_size=6
    ),
)
def test_a_list_that_changes_in_any_way_never_costs_more_than_the_budget_or_an_exact_sum(
    scm: FakeScm, changes: dict[int, tuple[type, float]]
) -> None:
    scm.start_anew({moment: kind(where) for moment, (kind, where) in changes.items()})

    reading = read(scm, limits_for(scm))

    assert_legal(scm, 500)
    assert sum(reading.inventory.by_algorithm.values()) == reading.inventory.reported
    assert reading.inventory.missing is not None
    assert reading.inventory.missing >= 0
    if reading.inventory.complete:
        assert ids(reading) <= frozenset[str]().union(*scm.moments)


@settings(max_examples=15)
@given(
    number=st.integers(300, 600),
    seed=st.integers(0, 1000),
    budget=st.integers(14, 28),
    changes=st.lists(st.lists(st.one_of(st.just(insert(0.0)), PLACES.map(delete), PLACES.map(rename)), max_size=2)),
)
def test_what_is_carried_from_poll_to_poll_is_never_a_ghost(
    number: int, seed: int, budget: int, changes: list[list[Change]]
) -> None:
    scm, knowledge = FakeScm(plausible_csrs(number, seed)), Knowledge()
    for between_polls in [[], [], *changes]:
        for change in between_polls:
            change(scm.csrs)
        scm.start_anew()
        reading = read(scm, limits_for(scm, budget), knowledge)
        knowledge = reading.knowledge

        assert_legal(scm, budget)
        assert reading.inventory.missing == len(scm.csrs) - len(ids(reading))
        assert ids(reading) <= scm.ids
        stale = set(reading.inventory.csrs) - set(scm.csrs)
        # A name that changed is noticed where the slice of the old one is read, and stands until then.
        assert reading.inventory.complete == (ids(reading) == scm.ids and not any(map(scm.has_shown_slice_of, stale)))
        event(f"complete: {reading.inventory.complete}, carried: {reading.inventory.carried > 0}")
