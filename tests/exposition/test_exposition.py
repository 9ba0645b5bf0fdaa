"""The cached exposition is what the client library would print, byte for byte."""

from __future__ import annotations

import gc
import gzip
import hashlib
import weakref
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
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
    Format,
    accepts_gzip,
    compression,
    exposition,
    gzipped,
    joined,
    preferred_format,
    prepare,
    rendering,
)
from csr_exporter.exposition.compression import Block
from csr_exporter.exposition.lines import numbers
from csr_exporter.inventory import Csr, Exchange, Inventory, Reason, Service, Snapshot, SourceError
from csr_exporter.metrics import AgeFamily, Exposed, Family, exporter_families, families, inventory_families
from csr_exporter.policy import NO_POLICY, Glob, Owner, Policy, Rule, Rules, Selector, Waiver
from csr_exporter.status import Account, Reloads, Status
from tests.fakes import DAY, NOW, a_csr, a_status, an_inventory

RELOADS = Reloads("abc", NOW)

forms = st.sampled_from([TEXT, OPENMETRICS])
hostile = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\n\r"\\%{}, '), max_size=8)
moments = st.none() | st.floats(0, 2 * NOW) | st.integers(0, 2_000_000_000_000).map(lambda each: each / 1000)


def csrs_with(texts: st.SearchStrategy[str], moments: st.SearchStrategy[float | None]) -> st.SearchStrategy[list[Csr]]:
    csr = st.builds(
        Csr, id=texts, name=texts, domain=texts, sans=st.lists(texts, max_size=2).map(tuple),
        algorithm=texts, usage=texts, company_name=texts, created_at=moments, updated_at=moments,
    )  # fmt: skip
    return st.lists(csr, max_size=6, unique_by=lambda csr: csr.id)


selectors = st.builds(Selector, names=st.lists(hostile.map(Glob.of), max_size=1).map(tuple))
policies = st.just(NO_POLICY) | st.builds(
    Policy,
    owners=st.lists(st.builds(Owner, hostile, selectors), max_size=2).map(tuple),
    rules=st.builds(
        Rules,
        max_age=st.none() | st.floats(0, 1e9),
        allowed_algorithms=st.none() | st.just(frozenset({""})),
        owner_required=st.booleans(),
        superseded_after=st.none() | st.floats(0, 1e9),
    ),
    waivers=st.lists(
        st.builds(Waiver, hostile, st.sampled_from(Rule), selectors, st.floats(0, 2 * NOW)),
        max_size=3,
        unique_by=lambda waiver: waiver.name,
    ).map(tuple),
)
exposures = st.builds(
    Exposed,
    policy=policies,
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
    listed = tuple(draw(csrs_with(hostile, moments)))
    reported = draw(st.none() | st.integers(0, 10**10))
    return Inventory(listed, reported, {} if reported is None else {"": reported}, complete=draw(st.booleans()))


@st.composite
def accounts(draw: st.DrawFn, name: str) -> Status:
    """An account that was never polled, or was, fails now or does not, and is stale or is not."""
    status = Status(Account(name, limit=draw(st.none() | st.integers(0, 10**6))))
    if draw(st.booleans()):
        now = draw(st.sampled_from([NOW - 3600, NOW]))
        status = status.after_success(draw(inventories()), now, draw(st.floats(0, 100)))
    if draw(st.booleans()):
        status = status.after_failure(SourceError(draw(st.sampled_from(Reason)), ""), NOW, 0.1)
    return status


worlds = st.lists(hostile, max_size=3, unique=True).flatmap(
    lambda names: st.tuples(*[accounts(name) for name in names]).map(list)
)


def by_the_library(statuses: Sequence[Status], exposed: Exposed, now: float, form: Format) -> bytes:
    def all_families() -> Iterator[Metric]:
        yield from families(statuses, exposed, now)
        yield from exporter_families(RELOADS)

    return form.write(all_families())


def ours(statuses: Sequence[Status], exposed: Exposed, now: float, form: Format) -> bytes:
    return joined(exposition(statuses, exposed, now, exporter_families(RELOADS), form))


def unzipped(body: bytes) -> bytes:
    """*body* as a client reads it that stops after the first gzip member; nothing may be left."""
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    text = inflate.decompress(body)
    assert inflate.eof
    assert inflate.unused_data == b""
    return text


@contextmanager
def stitched(min_block: int) -> Iterator[None]:
    """Compress even short replies from blocks of at least *min_block* bytes."""
    with mock.patch.object(rendering, "MIN_BLOCK", min_block), mock.patch.object(compression, "MIN_STITCHED", 0):
        yield


@given(worlds, exposures, forms, st.sampled_from([0, 1, 4096]), st.floats(0, 1e9))
def test_it_is_byte_for_byte_what_the_client_library_would_print(
    statuses: list[Status], exposed: Exposed, form: Format, size: int, later: float
) -> None:
    with stitched(size) if size else nullcontext():
        for now in (NOW, NOW + later):
            expected = by_the_library(statuses, exposed, now, form)
            assert ours(statuses, exposed, now, form) == expected
            assert unzipped(gzipped(exposition(statuses, exposed, now, exporter_families(RELOADS), form))) == expected


@given(worlds, exposures, exposures, forms)
def test_cached_lines_never_outlive_their_source(
    statuses: list[Status], exposed: Exposed, changed: Exposed, form: Format
) -> None:
    ours(statuses, exposed, NOW, form)
    events = [
        [status.after_failure(SourceError(Reason.TIMEOUT, ""), NOW + 1, 0.1) for status in statuses],
        [status.after_success(an_inventory(a_csr()), NOW + 2, 0.1) for status in statuses],
    ]

    for after in (statuses, *events):
        assert ours(after, changed, NOW + 3, form) == by_the_library(after, changed, NOW + 3, form)


def test_a_family_that_one_account_lacks_moves_no_line_of_another_family(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_listed(account: str, snapshot: Snapshot, buckets: Sequence[float]) -> Iterator[Family]:
        for family in inventory_families(account, snapshot, buckets):
            if isinstance(family, AgeFamily) or (family.name, account) != ("scm_csr_listed", "b"):
                yield family

    def scraped() -> bytes:
        return ours([a_status(a_csr(), name=name) for name in ("a", "b", "c")], Exposed(), NOW, TEXT)

    expected = scraped().replace(b'scm_csr_listed{account="b"} 1.0\n', b"")
    monkeypatch.setattr(rendering, "inventory_families", without_listed)

    assert scraped() == expected


@pytest.mark.parametrize("count", [50, 300, 1000])
def test_a_compressed_reply_is_as_short_as_one_stream(count: int) -> None:
    status = a_status(*[a_csr(hashlib.sha256(bytes(number)).hexdigest()) for number in range(count)])

    compressed = gzipped(exposition([status], Exposed(), NOW, [], TEXT))

    assert len(compressed) < 1.05 * len(gzip.compress(unzipped(compressed), compression.LEVEL))


@given(st.integers(0, 10**12) | st.sampled_from([10**n + d for n in range(5, 12) for d in (-1, 0, 1)]))
def test_whole_numbers_are_printed_as_go_does(value: int) -> None:
    assert numbers([value]) == [floatToGoString(value).encode()]  # type: ignore[no-untyped-call]


# The library's parser for the text format trips over control characters in labels.
readable = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('\n"\\'), max_size=8)


@given(csrs_with(readable, st.none() | st.integers(0, int(NOW))), forms)
def test_what_is_printed_reads_back_as_what_was_listed_and_no_series_twice(listed: list[Csr], form: Format) -> None:
    accounts = ("production", 'o"t\\h\ner')

    text = ours([a_status(*listed, name=name) for name in accounts], Exposed(), NOW, form).decode()

    parse = parser.text_string_to_metric_families if form is TEXT else openmetrics.text_string_to_metric_families
    read = {
        (sample.name, sample.labels.get("account"), tuple(sorted(sample.labels.items()))): sample
        for family in parse(text)
        for sample in family.samples
    }
    assert len(read) == sum(1 for line in text.splitlines() if not line.startswith("#"))
    for account in accounts:
        of = {name: [s for (n, a, _), s in read.items() if (n, a) == (name, account)] for name, _, _ in read}
        assert {s.labels["id"]: s.labels["name"] for s in of.get("scm_csr_info", ())} == {c.id: c.name for c in listed}
        ages = {csr.id: NOW - csr.created_at for csr in listed if csr.created_at is not None}
        assert {s.labels["id"]: s.value for s in of.get("scm_csr_age_seconds", ())} == ages
        assert sum(s.value for s in of["scm_csrs"]) == len(listed)


def blocks(of: Status, exposed: Exposed, now: float = NOW) -> list[Block]:
    return [piece for piece in exposition([of], exposed, now, [], OPENMETRICS) if isinstance(piece, Block)]


def a_large_status() -> Status:
    return a_status(*[a_csr(f"{number}") for number in range(100)])


def test_the_lines_of_an_inventory_are_made_once_whatever_happens_to_its_account() -> None:
    status = a_large_status()
    busy = replace(status, traffic=status.traffic.after(Exchange(Service.SCM, "200", 0.2)))
    failed = busy.after_failure(SourceError(Reason.TIMEOUT, ""), NOW + 5, 0.1)
    unchanged = failed.after_success(replace(status.snapshot.inventory), NOW + 9, 0.1) if status.snapshot else failed

    made = blocks(status, Exposed())

    assert len(made) == 4
    assert [blocks(each, Exposed(), NOW + DAY / 100) for each in (status, busy, failed, unchanged)] == [made] * 4


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


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            OPENMETRICS,
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            OPENMETRICS,
        ),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=0.1,text/plain", TEXT),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;q=much,;,=;;q", TEXT),
    ],
)
def test_the_format_is_the_one_asked_for(accept: str, form: Format) -> None:
    assert preferred_format(accept) is form


def test_the_formats_are_named_as_prometheus_names_them() -> None:
    assert TEXT.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert OPENMETRICS.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
