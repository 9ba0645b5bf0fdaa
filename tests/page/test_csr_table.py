"""The table of CSRs: which are found, in which order, on which page."""

from __future__ import annotations

import csv
import gc
import io
import json
from collections.abc import Iterable
from dataclasses import replace

import pytest

from csr_exporter.page import Found, Selection, Sort, csr_csv, csr_json, csr_table, find
from csr_exporter.page.csr_table import _INDEX
from csr_exporter.policy import Glob, Owner, Policy, Rule, Rules, Selector
from csr_exporter.status import Account, Status
from tests.fakes import DAY, NOW, a_csr, a_status

OLD = a_csr("1", name="beta", created_at=NOW - 400 * DAY)
YOUNG = a_csr("2", name="Alpha", created_at=NOW - DAY, algorithm="SM2", sans=("*.café.example", "b.example"))
UNDATED = a_csr("3", name="gamma", created_at=None)
PRODUCTION = a_status(YOUNG, OLD, UNDATED)
STAGING = a_status(a_csr("4", name="aaa", created_at=NOW - 30 * DAY), name="staging")
BOTH = [STAGING, PRODUCTION]
SHOP = Owner("shop", Selector(names=(Glob.of("shop-*"),)))


def ids(statuses: Iterable[Status], selection: Selection) -> str:
    return " ".join(csr.id for _, csr in find(statuses, selection, NOW).rows)


@pytest.mark.parametrize(("sort", "found"), [(Sort.AGE, "1 4 2 3"), (Sort.NAME, "4 2 1 3"), (Sort.ACCOUNT, "1 2 3 4")])
def test_the_csrs_of_all_accounts_come_in_one_order(sort: Sort, found: str) -> None:
    assert ids(BOTH, Selection(sort=sort)) == found


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        (Selection(text="ALPHA"), "2"),
        (Selection(text="CAFÉ.ex"), "2"),
        (Selection(text="4.shop"), "4"),
        (Selection(text="gamma"), "3"),
        (Selection(text="*"), "2"),
        (Selection(algorithm="SM2"), "2"),
        (Selection(algorithm="sm2"), ""),
        (Selection(age=30 * DAY), "1 4"),
        (Selection(age=0.0), "1 4 2"),
        (Selection(text="a", algorithm="EC_P256", age=2 * DAY), "1 4"),
    ],
)
def test_a_selection_narrows_them(selection: Selection, found: str) -> None:
    assert ids(BOTH, selection) == found
    assert find(BOTH, selection, NOW).number == len(found.split())


def test_a_page_has_a_hundred_and_a_number_too_large_is_the_last() -> None:
    status = a_status(*(a_csr(f"{number:04}", created_at=NOW - number) for number in range(250)))

    first, last = (csr_table([status], Selection(), page, NOW) for page in (1, 99))

    assert (first.number, first.pages, len(first.rows), first.rows[0][1].id) == (250, 3, 100, "0249")
    assert (last.page, len(last.rows), last.rows[-1][1].id) == (3, 50, "0000")
    assert csr_table([], Selection(), 7, NOW).pages == 1


def test_a_table_tells_of_accounts_that_are_missing_or_incomplete() -> None:
    incomplete = a_status(a_csr("9"), name="torn")
    assert incomplete.snapshot
    torn = incomplete.after_success(replace(incomplete.snapshot.inventory, complete=False), NOW, seconds=0.1)

    table = csr_table([Status(Account("new")), torn, PRODUCTION], Selection(), 1, NOW)

    assert (table.without, table.incomplete, table.number) == (1, 1, 4)
    assert table.names == ("new", "production", "torn")
    assert table.algorithms == ("EC_P256", "SM2")


def test_links_keep_the_selection_and_what_is_chosen_anew_begins_with_the_first_page() -> None:
    selection = Selection(("a b", "c&d"), text="<x>", older_than="30d", age=30 * DAY, sort=Sort.NAME)
    table = replace(csr_table([], selection, 1, NOW), page=2, pages=3)

    assert table.link(page=3) == "csrs?account=a+b&account=c%26d&q=%3Cx%3E&older_than=30d&sort=name&page=3"
    assert table.link("csrs.csv", accounts=()) == "csrs.csv?q=%3Cx%3E&older_than=30d&sort=name"
    assert csr_table([], Selection(), 1, NOW).link() == "csrs"


def test_the_index_of_a_snapshot_goes_with_it() -> None:
    gc.collect()
    before = len(_INDEX)
    status = a_status(a_csr("1"))
    find([status], Selection(), NOW)
    assert len(_INDEX) == before + 1

    del status
    gc.collect()

    assert len(_INDEX) == before


def test_exports_have_the_names_of_the_api_and_every_row() -> None:
    csrs = [YOUNG, *(a_csr(f"x{number}") for number in range(1000))]
    statuses, policy = [a_status(*csrs)], Policy((SHOP,), Rules(max_age=30 * DAY))

    def found() -> Found:
        return find(statuses, Selection(sort=Sort.NAME), NOW, policy)

    as_json = json.loads("".join(csr_json(found())))
    as_csv = list(csv.DictReader(io.StringIO("".join(csr_csv(found())))))

    assert len(as_json) == len(as_csv) == 1001
    assert as_json[0] == {
        "account": "production",
        "id": "2",
        "name": "Alpha",
        "domain_name": "2.shop.example",
        "sans": "*.café.example;b.example",
        "private_key_algo": "SM2",
        "usage": "ENTERPRISE",
        "company_country": "",
        "company_province": "",
        "company_city": "",
        "company_name": "",
        "create_time": 1799913600000,
        "update_time": 1768464000000,
        "owner": "unowned",
        "violations": [],
    }
    assert as_csv[0] == {name: str(value) for name, value in as_json[0].items()} | {"violations": ""}
    assert (as_json[1]["owner"], as_json[1]["violations"]) == ("shop", ["max_age"])
    assert (as_csv[1]["owner"], as_csv[1]["violations"]) == ("shop", "max_age")


def test_an_export_of_nothing_is_still_one() -> None:
    assert json.loads("".join(csr_json(find([], Selection(), NOW)))) == []
    assert "".join(csr_csv(find([], Selection(), NOW))).startswith("account,id,name,domain_name,")


def test_an_export_comes_in_parts_of_bounded_size() -> None:
    status = a_status(*(a_csr(f"{number}") for number in range(2000)))

    assert [len(list(form(find([status], Selection(), NOW)))) for form in (csr_json, csr_csv)] == [11, 10]


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        (Selection(owner="shop"), "1"),
        (Selection(owner="unowned"), "2"),
        (Selection(rule=Rule.MAX_AGE), "1"),
        (Selection(rule=Rule.OWNER_REQUIRED), "2"),
        (Selection(rule=Rule.ALLOWED_DOMAINS), ""),
    ],
)
def test_csrs_are_selected_by_owner_and_by_a_rule_that_they_break(selection: Selection, found: str) -> None:
    policy = Policy((SHOP,), Rules(max_age=30 * DAY, owner_required=True))
    status = a_status(a_csr("1"), YOUNG)

    table = csr_table([status], selection, 1, NOW, policy)

    assert " ".join(csr.id for _, csr in table.rows) == found
    assert (table.owners, table.rules) == (("shop", "unowned"), (Rule.MAX_AGE, Rule.OWNER_REQUIRED))
