"""One page: the query that is sent, and what is made of any reply."""

from __future__ import annotations

import contextlib
import gc
import json
import tracemalloc
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csr_exporter.cloud.auth import SharedLease, auth_for
from csr_exporter.cloud.client import CsrApi, PageCache
from csr_exporter.cloud.replies import MAX_NAMES, MAX_ROWS, read_csr, read_page
from csr_exporter.cloud.transport import Transport, TransportSettings
from csr_exporter.inventory import Csr, Page, Query, Reason, Rejection, SourceError
from csr_exporter.simulator import SimulatedAccount, Simulator
from csr_exporter.text import LONGEST
from tests.fakes import EXAMPLE, NOW, Wire, a_config, aksk


def reply(*entries: object, **changes: object) -> bytes:
    return json.dumps({"csr_list": entries, "total": len(entries), **changes}).encode()


def one(**changes: object) -> tuple[Csr, list[Rejection]]:
    csr, flaws = read_csr({**EXAMPLE, **changes}, NOW)
    assert csr is not None
    return csr, flaws


def api_of(simulator: Simulator, account: SimulatedAccount, **settings: Any) -> CsrApi:  # noqa: ANN401 - as `TransportSettings`
    config = a_config(simulator.url, account.name, aksk(account))
    transport = Transport(TransportSettings(**settings), Wire())
    return CsrApi(simulator.url, transport, auth_for(config.accounts[0].credentials, transport, SharedLease()))


# --- asking -----------------------------------------------------------------------------------------------------------


def test_a_page_is_what_the_service_holds(simulator: Simulator, account: SimulatedAccount) -> None:
    page = api_of(simulator, account).page(Query())

    assert page.total == 12
    assert [csr.id for csr in page.csrs] == [record["id"] for record in simulator.records("production")]


def test_a_query_filters_by_algorithm_and_name(simulator: Simulator, account: SimulatedAccount) -> None:
    record = simulator.records("production")[0]

    page = api_of(simulator, account).page(
        Query(limit=10, name=record["name"][:32], algorithm=record["private_key_algo"])
    )

    assert record["id"] in {csr.id for csr in page.csrs}
    assert {csr.algorithm for csr in page.csrs} == {record["private_key_algo"]}


def test_names_of_any_script_are_signed_and_understood(simulator: Simulator, account: SimulatedAccount) -> None:
    name = "*+ é/北京~&=%"
    simulator.add("production", {**EXAMPLE, "name": name})

    page = api_of(simulator, account).page(Query(name=name))

    assert [csr.name for csr in page.csrs] == [name]


# --- replies ----------------------------------------------------------------------------------------------------------


def test_the_example_of_the_reference_is_read_whole() -> None:
    page = read_page(reply(EXAMPLE), NOW)

    assert page == Page(
        csrs=(
            Csr(
                id="48e392628b0f47769e47d91acc7654a5",
                name="xxxx",
                domain="xxx.com",
                algorithm="RSA_2048",
                usage="ENTERPRISE",
                company_country="CN",
                company_province="Beijing",
                company_city="Beijing",
                company_name="company",
                created_at=1735804566.545,
                updated_at=1735804566.545,
            ),
        ),
        total=1,
        entries=1,
    )


def test_no_csrs_is_said_with_a_list_or_with_a_total_of_zero() -> None:
    empty = Page(csrs=(), total=0, entries=0)

    assert read_page(b'{"csr_list": [], "total": 0}', NOW) == empty
    assert read_page(b'{"csr_list": null, "total": 0}', NOW) == empty
    assert read_page(b'{"total": 0}', NOW) == empty


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "expected JSON in the reply"),
        (b"<html>504</html>", "expected JSON in the reply"),
        (b'{"csr_list": [', "expected JSON in the reply"),
        (b"\xff\xfe\x00", "expected JSON in the reply"),
        (b"[" * 100_000, "expected JSON in the reply"),
        (b"null", "expected a JSON object in the reply"),
        (b"[]", "expected a JSON object in the reply"),
        (b"{}", "expected a list in csr_list in the reply"),
        (b'{"total": 1}', "expected a list in csr_list in the reply"),
        (b'{"csr_list": {}, "total": 1}', "expected a list in csr_list in the reply"),
        (b'{"csr_list": [], "total": -1}', "expected a whole number in total in the reply"),
        (b'{"csr_list": [], "total": 1.5}', "expected a whole number in total in the reply"),
        (b'{"csr_list": [], "total": true}', "expected a whole number in total in the reply"),
        (b'{"csr_list": [], "total": "many"}', "expected a whole number in total in the reply"),
        (b'{"csr_list": [], "total": NaN}', "expected a whole number in total in the reply"),
        (b'{"csr_list": [], "total": [1]}', "expected a whole number in total in the reply"),
    ],
)
def test_what_is_no_page_fails_the_poll(body: bytes, detail: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_page(body, NOW)

    assert (caught.value.reason, caught.value.detail) == (Reason.MALFORMED_REPLY, detail)


@pytest.mark.parametrize("body", [b"[" * 1_000_000, b'[{"a":' * 500, b'[["[{[",\n' * 500])
def test_what_python_cleans_up_while_it_reads_a_deep_nest_has_room_to_run(body: bytes) -> None:
    failures = []

    def cleaning(_phase: str, _info: dict[str, int]) -> None:
        try:
            json.dumps([], indent=1)
        except RecursionError as error:
            failures.append(error)

    gc.callbacks.append(cleaning)
    threshold = gc.get_threshold()
    gc.set_threshold(1, 1_000_000)
    try:
        with pytest.raises(SourceError, match="expected JSON in the reply"):
            read_page(body, NOW)
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(cleaning)
    assert not failures


def test_brackets_in_texts_are_no_nest() -> None:
    page = read_page(reply({**EXAMPLE, "name": "[{" * 100}, {**EXAMPLE, "id": "two", "name": '"\\[' * 80}), NOW)

    assert [csr.name for csr in page.csrs] == ["[{" * 100, '"\\[' * 80]


@pytest.mark.parametrize(("total", "read"), [(7, 7), ("7", 7), (None, None)])
def test_a_total_is_a_number_or_its_digits_or_not_known(total: object, read: int | None) -> None:
    assert read_page(reply(total=total), NOW).total == read


def test_a_page_may_have_as_many_rows_as_the_reference_allows() -> None:
    rows = [{**EXAMPLE, "id": str(number)} for number in range(MAX_ROWS)]

    assert len(read_page(reply(*rows), NOW).csrs) == MAX_ROWS


@pytest.mark.parametrize(
    "rows",
    [b'{"id":"x"},' * 400_000, b"1," * 3_000_000, b"[]," * 2_000_000, b"[" + b"1.5," * 1_500_000 + b"1],"],
    ids=["records", "numbers", "lists", "one list"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_page_of_more_rows_or_values_than_it_can_have_is_refused_unbuilt(rows: bytes, encoding: str) -> None:
    body = b'{"total":1,"csr_list":[%s1]}' % rows[: 6_000_000 if encoding == "utf-8" else 3_000_000]
    body = body.decode().encode(encoding)

    tracemalloc.start()
    with pytest.raises(SourceError) as caught:
        read_page(body, NOW)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert caught.value.reason is Reason.MALFORMED_REPLY
    assert most < 3 * len(body)


@pytest.mark.parametrize("body", [b'"' + b'\\"' * 2_000_000, b'["' + b"\\" * 3_000_001 + b"," * 2000])
def test_text_without_an_end_is_refused_in_no_time(body: bytes) -> None:
    with pytest.raises(SourceError):
        read_page(body, NOW)


def test_a_bad_record_costs_that_record_alone() -> None:
    page = read_page(reply(EXAMPLE, None, 7, {}, {**EXAMPLE, "id": ""}, {**EXAMPLE, "id": 5}, EXAMPLE), NOW)

    assert [csr.id for csr in page.csrs] == [EXAMPLE["id"]]
    assert page.entries == 7
    assert page.rejected == {Rejection.NOT_AN_OBJECT: 2, Rejection.MISSING_ID: 3, Rejection.DUPLICATE_ID: 1}


# --- records ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1735804566545, 1735804566.545),
        ("1735804566545", 1735804566.545),
        (1735804566545.0, 1735804566.545),
        (1735804566, 1735804566.0),
        (1735804566545000, 1735804566.545),
        (1735804566545000000, 1735804566.545),
        (int((NOW + 300 * 86_400) * 1000), NOW + 300 * 86_400),
    ],
)
def test_a_time_is_read_by_its_number_of_digits(value: object, seconds: float) -> None:
    csr, flaws = one(create_time=value)

    assert csr.created_at == seconds
    assert flaws == []


@pytest.mark.parametrize(
    "value",
    [None, 0, -1, 1, "", "soon", "1735804566.5", 1735804566545.5, True, [], {}, 10**17, 10**30, 1e300, 9999999999999],
)
def test_a_time_that_cannot_be_is_absent_and_counted(value: object) -> None:
    csr, flaws = one(create_time=value)

    assert csr.created_at is None
    assert flaws == [Rejection.BAD_CREATE_TIME]


def test_a_record_without_an_update_time_is_nothing_special() -> None:
    assert one(update_time=None)[1] == []
    assert one(update_time="soon")[1] == [Rejection.BAD_FIELD]


def test_a_field_of_the_wrong_type_is_empty_and_counted() -> None:
    csr, flaws = one(name=7, sans=["a"], usage=None)

    assert (csr.name, csr.sans, csr.usage) == ("", (), "")
    assert flaws == [Rejection.BAD_FIELD, Rejection.BAD_FIELD]


@pytest.mark.parametrize("sans", ["a.example;B.example", "a.example, b.example", " a.example ;;b.example;a.example\n"])
def test_additional_names_are_parted_whatever_parts_them(sans: str) -> None:
    assert one(sans=sans)[0].sans == ("a.example", "b.example")


def test_names_beyond_what_a_certificate_can_have_are_left_out_and_counted() -> None:
    csr, flaws = one(sans=";".join(f"{number}.example" for number in range(100_000)))

    assert csr.sans == tuple(f"{number}.example" for number in range(MAX_NAMES))
    assert flaws == [Rejection.BAD_FIELD]


def test_text_is_made_fit_for_labels() -> None:
    csr, _ = one(name="a\nb\x00c\ud800d\u202ee", domain_name="x" * 100_000)

    assert csr.name == "a\ufffdb\ufffdc\ufffdd\ufffde"
    assert csr.domain == "x" * LONGEST


def test_csrs_of_different_pages_share_the_texts_they_have_in_common() -> None:
    first, second = (read_page(reply({**EXAMPLE, "id": identity}), NOW).csrs[0] for identity in ("1", "2"))

    assert first.algorithm is second.algorithm
    assert first.company_name is second.company_name


def test_the_request_itself_is_dropped_at_the_boundary() -> None:
    csr, flaws = one(csr="-----BEGIN CERTIFICATE REQUEST-----", private_key="-----BEGIN PRIVATE KEY-----")

    assert "BEGIN" not in repr(csr)
    assert flaws == []


# --- replies that come again -----------------------------------------------------------------------------------------


def test_a_reply_that_is_the_same_as_in_the_poll_before_is_not_read_again() -> None:
    cache = PageCache()
    page = cache.read(reply(EXAMPLE), NOW)

    cache.start()

    assert cache.read(reply(EXAMPLE), NOW) is page
    assert cache.read(reply(EXAMPLE, total=2), NOW).total == 2


def test_a_reply_that_a_poll_did_not_bring_is_forgotten() -> None:
    cache = PageCache()
    page = cache.read(reply(EXAMPLE), NOW)

    cache.start()
    cache.start()

    assert cache.read(reply(EXAMPLE), NOW) is not page


def test_a_time_that_was_absurd_is_judged_anew_at_each_poll() -> None:
    cache = PageCache()
    body = reply({**EXAMPLE, "create_time": int((NOW + 366 * 86_400) * 1000)})

    before, later = cache.read(body, NOW), cache.read(body, NOW + 2 * 86_400)

    assert before.csrs[0].created_at is None
    assert later.csrs[0].created_at == NOW + 366 * 86_400


# --- records of any kind ----------------------------------------------------------------------------------------------


USUAL = {**EXAMPLE, "sans": "a.example;B.example", "company_city": "北京"}
ODD: list[object] = [
    None, "", " ", 0, 7, True, 1.5, [], {}, "a\n", "x" * 300, "x" * 256, "a,b c\u2003D;a", "İ" * 200, "\ud800", "1",
    ";".join(map(str, range(300))), 10**12 - 1, 10**13, int((NOW + 366 * 86_400) * 1000), 1735804566545.0, 1735804566,
]  # fmt: skip


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("field", USUAL)
def test_records_that_are_read_together_are_as_if_read_one_by_one(field: str, value: object) -> None:
    lacking = {name: usual for name, usual in USUAL.items() if name != field}
    entries = [{**USUAL, "id": "1"}, {"id": "2", **lacking}, {**USUAL, "id": "3", field: value}]
    read = [read_csr(entry, NOW) for entry in entries]
    csrs = {csr.id: csr for csr, _ in reversed(read) if csr}

    page = read_page(reply(*entries), NOW)

    flaws = Counter(flaw for _, each in read for flaw in each)
    flaws[Rejection.DUPLICATE_ID] += sum(1 for csr, _ in read if csr) - len(csrs)
    assert {csr.id: csr for csr in page.csrs} == csrs
    assert page.rejected == +flaws


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(json_values | st.fixed_dictionaries({}, optional=dict.fromkeys(EXAMPLE, json_values)), max_size=5))
def test_no_record_can_break_a_page(entries: list[object]) -> None:
    page = read_page(reply(*entries), NOW)

    assert page.entries == len(entries)
    assert len({csr.id for csr in page.csrs}) == len(page.csrs) <= len(entries)
    for csr in page.csrs:
        for text in (csr.id, csr.name, csr.domain, csr.algorithm, csr.usage, *csr.sans):
            assert len(text.encode("utf-8")) <= 4 * LONGEST
            assert text.isprintable() or not any(ord(character) < 32 for character in text)


@given(st.binary(max_size=200))
def test_no_body_can_do_more_than_fail(body: bytes) -> None:
    with contextlib.suppress(SourceError):
        page = read_page(body, NOW)

        assert page.entries >= len(page.csrs)
