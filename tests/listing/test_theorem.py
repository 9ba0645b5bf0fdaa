"""If a poll is called complete, there was a moment in it at which the list was what is published."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from csr_exporter.inventory import Csr, OffsetMode, Page, Query
from csr_exporter.listing import Knowledge, Limits, Reading, read
from tests.fakes import NOW, a_csr
from tests.listing.adversary import ORDERS
from tests.listing.fake_scm import NAME_MEANINGS, Change, FakeScm
from tests.listing.plausible import ALGORITHMS, plausible_csrs

SIZES = st.sampled_from([1, 49, 50, 51, 99, 100, 101, 120, 149, 150, 151, 170, 200, 260])
MODES = (OffsetMode.RECORD, OffsetMode.PAGE, OffsetMode.PAGE1, OffsetMode.IGNORED)


def ids(reading: Reading) -> frozenset[str]:
    return frozenset(csr.id for csr in reading.inventory.csrs)


class ChangingScm:
    """A service whose list undergoes the changes of one tuple before each request; ids and times never come again."""

    def __init__(self, scm: FakeScm) -> None:
        self.scm = scm
        self.born = 0
        self.shown: set[Csr] = set()

    def poll(self, knowledge: Knowledge, changes: dict[int, list[tuple[str, float]]]) -> Reading:
        self.scm.start_anew({request: self._all(each) for request, each in changes.items()})
        self.shown = set()
        return read(self._page, Limits(max_offset=self.scm.max_offset), knowledge)

    def _page(self, query: Query) -> Page:
        page = self.scm(query)
        self.shown.update(self.scm.csrs)
        return page

    def _all(self, kinds: list[tuple[str, float]]) -> Change:
        def change(rows: list[Csr]) -> None:
            for kind, where in kinds:
                self._change(rows, kind, int(where * len(rows)))

        return change

    def _change(self, rows: list[Csr], kind: str, index: int) -> None:
        """*vanish* takes the newest, which may have come in this poll."""
        if kind in {"delete", "replace", "vanish"} and rows:
            del rows[-1 if kind == "vanish" else index]
        if kind in {"create", "replace"}:
            self.born += 1
            name, algorithm = f"new-{self.born % 7}-{index}", list(ALGORITHMS)[index % len(ALGORITHMS)]
            rows.append(a_csr(f"new{self.born}", name=name, algorithm=algorithm, created_at=NOW + self.born))
        if kind == "rename" and rows:
            rows[index] = replace(rows[index], name=f"renamed-{index}")


CHANGES = st.tuples(
    st.sampled_from(["create", "create", "delete", "vanish", "replace", "rename"]),
    st.floats(0.0, 1.0, exclude_max=True),
)
BEFORE_REQUESTS = st.dictionaries(
    st.one_of(st.integers(1, 8), st.integers(1, 60)), st.lists(CHANGES, min_size=1, max_size=2), max_size=8
)


@st.composite
def changing_services(draw: st.DrawFn) -> ChangingScm:
    rows = sorted(plausible_csrs(draw(SIZES), draw(st.integers(0, 1000))), key=lambda csr: csr.created_at or 0)
    scm = FakeScm(
        rows,
        offset_mode=draw(st.sampled_from(MODES)),
        max_offset=draw(st.sampled_from([0, 2, 30, 100, 100, None])),
        name_meaning=draw(st.sampled_from(list(NAME_MEANINGS))),
        case_sensitive=draw(st.booleans()),
        order=ORDERS[draw(st.sampled_from(list(ORDERS)))],
    )
    return ChangingScm(scm)


@settings(max_examples=60)
@given(service=changing_services(), polls=st.lists(BEFORE_REQUESTS, min_size=1, max_size=3))
def test_complete_means_that_the_list_was_once_what_is_published(
    service: ChangingScm, polls: list[dict[int, list[tuple[str, float]]]]
) -> None:
    knowledge = Knowledge()
    for changes in polls:
        reading = service.poll(knowledge, changes)
        inventory, knowledge = reading.inventory, reading.knowledge

        assert sum(inventory.by_algorithm.values()) == (inventory.reported or 0)
        if inventory.complete:
            assert ids(reading) in service.scm.moments
            assert inventory.reported == len(inventory.csrs)
            assert inventory.by_algorithm == Counter(csr.algorithm for csr in inventory.csrs)
            assert inventory.carried or set(inventory.csrs) <= service.shown
        event(f"complete: {inventory.complete}, changes: {bool(changes)}")


# What went wrong once


GHOST = a_csr("ghost", name="shop-prod-eu-2026", algorithm="RSA_2048", created_at=NOW + 1)


def come(rows: list[Csr]) -> None:
    rows.append(GHOST)


def go(rows: list[Csr]) -> None:
    rows.remove(GHOST)


def test_a_csr_that_came_and_went_within_the_poll_is_never_counted_as_read() -> None:
    """It would stand for a CSR that is then not looked for: the total is the same before and after."""
    claims = 0
    for born in range(2, 22, 5):
        for gone in range(born + 1, born + 12, 3):
            scm = FakeScm(plausible_csrs(300), order=ORDERS["newest"], changes={born: come, gone: go})

            reading = read(scm, Limits())

            assert not reading.inventory.complete or ids(reading) in scm.moments
            assert not reading.inventory.complete or reading.inventory.reported == len(ids(reading))
            claims += reading.inventory.complete

    assert claims > 0


def swap(rows: list[Csr]) -> None:
    """One goes from the first page, and another comes: every later row moves up, and the total stays."""
    del rows[10]
    rows.append(a_csr("new", created_at=NOW))


@pytest.mark.parametrize("mode", MODES[:3])
@pytest.mark.parametrize("moment", [3, 4, 5])
def test_one_deleted_and_one_created_between_two_pages_are_noticed(mode: OffsetMode, moment: int) -> None:
    scm = FakeScm(list(reversed(plausible_csrs(150))), offset_mode=mode, changes={moment: swap})

    changed = read(scm, Limits())
    moments = list(scm.moments)
    quiet = read(scm, Limits(), changed.knowledge)

    assert not changed.inventory.complete or ids(changed) in moments
    assert quiet.inventory.complete
    assert ids(quiet) == scm.ids


def ignoring_algorithms(scm: FakeScm) -> Callable[[Query], Page]:
    return lambda query: scm(replace(query, algorithm=None))


def test_a_filter_that_is_ignored_never_counts_against_the_listing() -> None:
    scm = FakeScm(plausible_csrs(400), name_meaning="ignored")

    inventory = read(ignoring_algorithms(scm), Limits()).inventory

    listed = Counter(csr.algorithm for csr in inventory.csrs)
    assert not inventory.complete
    assert all(inventory.by_algorithm[algorithm] >= number for algorithm, number in listed.items())
    assert sum(inventory.by_algorithm.values()) == inventory.reported == 400


def test_pages_that_are_shorter_than_asked_leave_nothing_unknown() -> None:
    inventory = read(FakeScm(plausible_csrs(140), most_rows=20), Limits()).inventory

    assert inventory.complete
    assert inventory.by_algorithm == Counter(csr.algorithm for csr in inventory.csrs)


@pytest.mark.parametrize("seed", range(4))
def test_the_last_csrs_among_random_names_are_found(seed: int) -> None:
    source = random.Random(seed)  # noqa: S311 - repeatable test data, nothing secret
    names = (f"{source.choice(['pay', 'shop', 'crm'])}-renewal-{source.getrandbits(24):06x}" for _ in range(800))
    scm = FakeScm([replace(csr, name=next(names)) for csr in plausible_csrs(800, seed)])

    first = read(scm, Limits())
    second = read(scm, Limits(), first.knowledge)

    assert first.inventory.complete
    assert second.inventory.complete
    assert second.inventory.requests <= first.inventory.requests + 1


@pytest.mark.parametrize("lacking", [(5, 120), (120, 5)])
def test_replicas_that_differ_are_found_out_and_then_believed_only_where_one_page_shows_the_list(
    lacking: tuple[int, int],
) -> None:
    """Each replica lacks one CSR, and they take turns."""
    rows = plausible_csrs(140)
    scm, knowledge, claims = FakeScm(list(rows), offset_mode=OffsetMode.PAGE), Knowledge(), []

    def view(everything: Sequence[Csr]) -> list[Csr]:
        lacks = rows[lacking[len(scm.log) % 2]]
        return [csr for csr in everything if csr.id != lacks.id]

    scm.view = view
    for _ in range(4):
        scm.start_anew()
        reading = read(scm, Limits(), knowledge)
        knowledge = reading.knowledge
        claims.append(reading.inventory.complete)
    scm.csrs[40:] = []
    scm.start_anew()

    assert not any(claims)
    assert read(scm, Limits(), knowledge).inventory.complete


def test_a_changed_list_whose_total_lags_behind_is_not_complete_at_its_old_length() -> None:
    """The new CSR is on top, so the oldest is beyond what offsets reach, and the total does not tell."""
    scm = FakeScm(plausible_csrs(150), order=ORDERS["newest"])
    before = read(scm, Limits()).knowledge
    scm.start_anew()
    come(scm.csrs)
    scm.total = lambda matching: matching - (len(scm.log) <= 3)

    reading = read(scm, Limits(), before)

    assert not reading.inventory.complete or ids(reading) == scm.ids


def test_pages_overlap_where_that_costs_no_request() -> None:
    scm = FakeScm(plausible_csrs(120))
    knowledge = read(scm, Limits()).knowledge
    scm.start_anew()

    read(scm, Limits(), knowledge)

    assert len(scm.log) == 3
    assert all(later.offset - former.offset < 50 for former, later in pairwise(scm.log))
