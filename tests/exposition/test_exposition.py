"""The exposition that is kept from scrape to scrape says what the client library would say, byte for byte."""

from __future__ import annotations

import gc
import weakref
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import parser
from prometheus_client.core import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.utils import floatToGoString

from csr_exporter.exposition import (
    OPENMETRICS,
    TEXT,
    Form,
    accepts_gzip,
    account,
    exposition,
    gzipped,
    joined,
    prepare,
)
from csr_exporter.exposition.lines import numbers
from csr_exporter.exposition.pieces import Block
from csr_exporter.inventory import Csr, Exchange, Inventory, Reason, Service, Snapshot, SourceError
from csr_exporter.metrics import Exposed, exporter_families, families
from csr_exporter.status import Account, Reloads, Status
from tests.fakes import DAY, NOW, a_csr, a_snapshot, a_status

RELOADS = Reloads("abc", NOW)

forms = st.sampled_from([TEXT, OPENMETRICS])
hostile = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\n\r"\\%{}, '), max_size=8)
moments = st.none() | st.floats(0, 2 * NOW) | st.integers(0, 2_000_000_000_000).map(lambda each: each / 1000)
csrs = st.builds(
    Csr,
    id=hostile,
    name=hostile,
    domain=hostile,
    sans=st.lists(hostile, max_size=2).map(tuple),
    algorithm=hostile,
    usage=hostile,
    company_name=hostile,
    created_at=moments,
    updated_at=moments,
)
exposures = st.builds(
    Exposed,
    age_buckets=st.lists(st.integers(1, 10**9), max_size=3, unique=True).map(
        lambda days: tuple(map(float, sorted(days)))
    ),
    per_csr=st.booleans(),
    max_series=st.integers(0, 6),
    labels=st.lists(
        st.sampled_from(["name", "domain_name", "private_key_algo", "usage", "sans", "company_name"]), unique=True
    ).map(tuple),
)


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    held = tuple(draw(st.lists(csrs, max_size=6, unique_by=lambda csr: csr.id)))
    reported = draw(st.none() | st.integers(0, 10**10))
    return Inventory(held, reported, {} if reported is None else {"": reported}, complete=draw(st.booleans()))


@st.composite
def statuses(draw: st.DrawFn, name: str) -> Status:
    """An account that was never polled, or was, fails now or does not, and is stale or is not."""
    status = Status(Account(name, limit=draw(st.none() | st.integers(0, 10**6))))
    if draw(st.booleans()):
        taken_at = draw(st.sampled_from([NOW - 3600, NOW]))
        status = status.after_success(Snapshot.of(draw(inventories()), taken_at), draw(st.floats(0, 100)))
    if draw(st.booleans()):
        status = status.after_failure(SourceError(draw(st.sampled_from(Reason)), ""), NOW, 0.1)
    return status


worlds = st.lists(hostile, max_size=3, unique=True).flatmap(
    lambda names: st.tuples(*[statuses(name) for name in names]).map(list)
)


def by_the_library(held: Sequence[Status], exposed: Exposed, now: float, form: Form) -> bytes:
    def all_families() -> Iterator[Metric]:
        yield from families(held, exposed, now)
        yield from exporter_families(RELOADS)

    return form.write(all_families())


def ours(held: Sequence[Status], exposed: Exposed, now: float, form: Form) -> bytes:
    return joined(exposition(held, exposed, now, exporter_families(RELOADS), form))


def unzipped(body: bytes) -> bytes:
    """What a client that knows of one gzip member only makes of *body*, of which nothing may be left."""
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    text = inflate.decompress(body)
    assert inflate.eof
    assert inflate.unused_data == b""
    return text


@contextmanager
def kept_from(size: int) -> Iterator[None]:
    """Parts of *size* bytes are kept compressed, which small inventories would not have."""
    with mock.patch.object(account, "WORTH_KEEPING", size):
        yield


@given(worlds, exposures, forms, st.sampled_from([1, 4096]), st.floats(0, 1e9))
def test_it_is_byte_for_byte_what_the_client_library_would_print(
    held: list[Status], exposed: Exposed, form: Form, size: int, later: float
) -> None:
    with kept_from(size):
        for now in (NOW, NOW + later):
            expected = by_the_library(held, exposed, now, form)
            assert ours(held, exposed, now, form) == expected
            assert unzipped(gzipped(exposition(held, exposed, now, exporter_families(RELOADS), form))) == expected


@given(worlds, exposures, exposures, forms)
def test_what_is_kept_never_outlives_what_it_was_made_from(
    held: list[Status], exposed: Exposed, changed: Exposed, form: Form
) -> None:
    ours(held, exposed, NOW, form)
    events = [
        [status.after_failure(SourceError(Reason.TIMEOUT, ""), NOW + 1, 0.1) for status in held],
        [status.after_success(a_snapshot(a_csr(), taken_at=NOW + 2), 0.1) for status in held],
    ]

    for after in (held, *events):
        assert ours(after, changed, NOW + 3, form) == by_the_library(after, changed, NOW + 3, form)


@given(st.integers(0, 10**12) | st.sampled_from([10**n + d for n in range(5, 12) for d in (-1, 0, 1)]))
def test_whole_numbers_are_printed_as_go_does(value: int) -> None:
    assert numbers([value]) == [floatToGoString(value)]  # type: ignore[no-untyped-call]


readable = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('\n"\\'), max_size=8)


@given(st.lists(st.tuples(readable, st.none() | st.integers(0, int(NOW))), max_size=6), forms)
def test_what_is_printed_reads_back_as_what_is_held_and_no_series_twice(
    held: list[tuple[str, int | None]], form: Form
) -> None:
    names = {f"{number}": name for number, (name, _) in enumerate(held)}
    ages = {f"{number}": float(NOW - time) for number, (_, time) in enumerate(held) if time is not None}
    status = a_status(*[a_csr(f"{n}", name=name, created_at=time) for n, (name, time) in enumerate(held)])

    text = ours([status], Exposed(), NOW, form).decode()

    parse = parser.text_string_to_metric_families if form is TEXT else openmetrics.text_string_to_metric_families
    read = [sample for family in parse(text) for sample in family.samples]
    series = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in read]
    assert len(set(series)) == len(series)
    assert {s.labels["id"]: s.labels["name"] for s in read if s.name == "scm_csr_info"} == names
    assert {s.labels["id"]: s.value for s in read if s.name == "scm_csr_age_seconds"} == ages


def test_openmetrics_ends_once_and_text_does_not() -> None:
    text, om = (ours([a_status(a_csr())], Exposed(), NOW, form) for form in (TEXT, OPENMETRICS))

    assert om.endswith(b"\n# EOF\n")
    assert om.count(b"# EOF") == 1
    assert b"# EOF" not in text


def test_ages_are_whole_seconds_at_the_scrape_and_never_negative() -> None:
    status = a_status(a_csr("1", created_at=NOW - 100.6), a_csr("2", created_at=NOW + 100))

    text = ours([status], Exposed(), NOW + 0.2, TEXT).decode()

    assert [line.split()[-1] for line in text.splitlines() if line.startswith("scm_csr_age_seconds{")] == [
        "101.0",
        "0.0",
    ]


def blocks(of: Status, exposed: Exposed, now: float = NOW) -> list[Block]:
    return [piece for piece in exposition([of], exposed, now, [], OPENMETRICS) if isinstance(piece, Block)]


def a_large_status() -> Status:
    return a_status(*[a_csr(f"{number}") for number in range(100)])


def test_the_lines_of_an_inventory_are_made_once_whatever_happens_to_its_account() -> None:
    status = a_large_status()
    busy = replace(status, traffic=status.traffic.after(Exchange(Service.SCM, "200", 0.2)))
    failed = busy.after_failure(SourceError(Reason.TIMEOUT, ""), NOW + 5, 0.1)

    made = blocks(status, Exposed())

    assert len(made) == 4
    assert [blocks(each, Exposed(), NOW + DAY / 100) for each in (status, busy, failed)] == [made] * 3


def test_the_compressed_lines_are_ready_before_the_first_scrape() -> None:
    status = a_large_status()

    prepare(status, Exposed(), NOW)

    assert all("deflated" in vars(block) for block in blocks(status, Exposed()))


def test_an_account_without_an_inventory_has_nothing_to_prepare() -> None:
    prepare(Status(Account("production")), Exposed(), NOW)


@pytest.mark.parametrize("per_csr", [True, False])
def test_a_snapshot_that_was_replaced_is_gone_with_all_its_lines(per_csr: bool) -> None:  # noqa: FBT001 - a parameter
    status = a_large_status()
    ours([status], Exposed(per_csr=per_csr), NOW, TEXT)
    snapshot, known = weakref.ref(status.snapshot), weakref.ref(status)

    del status
    gc.collect()

    assert snapshot() is None
    assert known() is None


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("identity", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip;q=0.5, br", True),
        ("gzip;q=1.0", True),
        ("gzip; q=0", False),
        ("gzip;q=0.000, *", False),
        ("*", True),
        ("*;q=0", False),
        ("br;q=1, *;q=0.1", True),
        ("gzip;q=much", False),
        ("deflate, br", False),
        (",;,=;;q", False),
    ],
)
def test_only_who_takes_gzip_gets_it(header: str, accepted: bool) -> None:  # noqa: FBT001 - a parameter
    assert accepts_gzip(header) is accepted
