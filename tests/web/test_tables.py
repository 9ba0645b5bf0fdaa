"""Single CSRs and changes over HTTP, for people and for programs."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from csr_exporter.inventory import Change, ChangeKind
from csr_exporter.journal import Journal
from csr_exporter.metrics import Exposed
from csr_exporter.policy import Owner, Policy, Rules, Selector
from csr_exporter.web.middleware import SECURITY_HEADERS
from csr_exporter.web.routes import application
from tests.fakes import DAY, NOW, FakeExporter, FakeJournal, a_csr, a_status
from tests.journal.world import polled, record

A, B = a_csr("1"), a_csr("2")


def client(journal: FakeJournal | None = None, *statuses: Any) -> TestClient:  # noqa: ANN401 - statuses
    fresh = time.time()
    two = a_status(A, B, last_success=fresh), a_status(a_csr("3"), name="staging", last_success=fresh)
    return TestClient(application(FakeExporter(*(statuses or two), journal=journal)))


def a_change(number: int) -> Change:
    named = (f"{number}", f"shop-{number}", "", f"{number}.example", "SM2", NOW)
    return Change(NOW + number, NOW, "production", ChangeKind.ADDED, *named)


def test_the_page_of_csrs_has_a_form_that_its_policy_allows_and_nothing_else_more() -> None:
    page = client().get("/csrs")

    assert "3.shop.example" in page.text
    assert "<script" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert policy.replace("form-action 'self'", "form-action 'none'") == SECURITY_HEADERS["Content-Security-Policy"]
    assert "form-action 'self'" in policy


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("account=staging", ["3"]),
        ("q=SHOP-2", ["2"]),
        ("account=&q=&older_than=&sort=", ["1", "2", "3"]),
        ("older_than=90y", []),
    ],
)
def test_exports_are_of_the_selection(query: str, found: list[str]) -> None:
    as_json, as_csv = client().get(f"/csrs.json?{query}"), client().get(f"/csrs.csv?{query}")

    assert [each["id"] for each in as_json.json()] == found
    assert [line.split(",")[1] for line in as_csv.text.splitlines()[1:]] == found
    assert as_csv.headers["Content-Type"].startswith("text/csv")


def test_the_tables_tell_owners_and_broken_rules_where_a_policy_is_configured() -> None:
    policy = Policy((Owner("payments", Selector()),), Rules(max_age=DAY))
    exporter = FakeExporter(a_status(A, last_success=time.time()))
    exporter.exposed = Exposed(policy=policy)
    web = TestClient(application(exporter))

    page = web.get("/csrs?rule=max_age").text
    rows = web.get("/csrs.json?rule=max_age&owner=payments").json()

    assert re.search(r"<bdi>payments</bdi></td><td[^>]*>max_age</td>", page)
    assert [(each["owner"], each["violations"]) for each in rows] == [("payments", ["max_age"])]
    assert web.get("/csrs.json?owner=unowned").json() == []
    assert 'name="rule"' not in client().get("/csrs").text


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/csrs?older_than=soon", "older_than: expected a duration such as 90d or 1y"),
        ("/csrs.json?sort=size", "sort: expected age or name or account"),
        ("/csrs?page=0", "page: expected a number from 1"),
        ("/csrs?page=-1", "page: expected a number from 1"),
        ("/changes?change=eaten", "change: expected added or removed or renamed"),
        ("/changes.json?since=2026-01-31T09:30:00", "since: expected Unix seconds or a time such as"),
        ("/changes.json?since=nan", "since: expected Unix seconds or a time such as"),
        ("/changes.json?limit=many", "limit: expected a number from 1"),
        (f"/changes?before={2**63}", "before: expected the number of a change"),
    ],
)
def test_what_makes_no_sense_is_said_and_not_ignored(path: str, sentence: str) -> None:
    response = client().get(path)

    assert response.status_code == 400
    assert response.text.startswith(sentence)


@pytest.mark.parametrize("path", ["/csrs", "/csrs.csv", "/csrs.json"])
def test_an_account_that_is_not_configured_is_not_found(path: str) -> None:
    assert client().get(f"{path}?account=nobody").status_code == 404


def test_changes_for_programs_have_the_fields_of_the_contract() -> None:
    response = client(FakeJournal(a_change(1), a_change(2))).get("/changes.json?limit=1")

    assert response.json() == {
        "version": response.json()["version"],
        "changes": [
            {
                "seen_at": "2027-01-15T08:00:02.000Z",
                "since": "2027-01-15T08:00:00.000Z",
                "account": "production",
                "change": "added",
                "id": "2",
                "name": "shop-2",
                "previous_name": "",
                "domain_name": "2.example",
                "private_key_algo": "SM2",
                "create_time": 1800000000000,
            }
        ],
    }


@pytest.mark.parametrize(
    ("since", "names"),
    [
        ("1800000600", ["shop-1"]),
        ("2027-01-15T08:10:00Z", ["shop-1"]),
        ("2027-01-15T16:10:00+08:00", ["shop-1"]),
        ("2027-01-15T16:10:00%2B08:00", ["shop-1"]),
        ("0", ["shop-1", "shop-2"]),
    ],
)
def test_since_is_unix_seconds_or_a_time(since: str, names: list[str]) -> None:
    journal = Journal(now=lambda: NOW)
    record(journal, *polled([A], [A, B], [B]))

    response = client(journal).get(f"/changes.json?since={since}")  # type: ignore[arg-type] # as good as the fake
    journal.close()

    assert [each["name"] for each in response.json()["changes"]] == names


def test_the_page_of_changes_leads_from_the_latest_to_the_older_ones() -> None:
    with_many = client(FakeJournal(*map(a_change, range(1, 251))))

    first = with_many.get("/changes")
    second = with_many.get("/changes?before=151")
    last = with_many.get("/changes?before=51")

    assert "shop-250<" in first.text
    assert 'href="changes?before=151"' in first.text
    assert "shop-150<" in second.text
    assert "shop-151<" not in second.text
    assert 'rel="next"' not in last.text


@pytest.mark.parametrize(
    ("journal", "sentence"),
    [
        (FakeJournal(), "--storage.path keeps it over restarts"),
        (FakeJournal(failures=0), "Who did it, the service does not tell."),
        (FakeJournal(failures=3, failing=True), "The storage is failing, so changes may be missing here."),
    ],
)
def test_the_page_of_changes_says_what_it_can_know(journal: FakeJournal, sentence: str) -> None:
    assert sentence in client(journal).get("/changes").text


def test_tables_come_in_the_language_that_is_preferred() -> None:
    for path, title in (("/csrs", "CSR 列表"), ("/changes", "变更记录")):
        response = client().get(path, headers={"Accept-Language": "zh-CN"})

        assert response.headers["Content-Language"] == "zh-CN"
        assert f"<title>{title} · CSR Exporter</title>" in response.text


def test_the_status_page_leads_to_the_tables_of_each_account() -> None:
    page = client(None, a_status(A, name="a & b")).get("/").text

    assert 'href="csrs?account=a%20%26%20b"' in page
    assert 'href="changes?account=a%20%26%20b"' in page


def test_storage_failures_are_a_metric_where_there_is_storage() -> None:
    with_storage, without = client(FakeJournal(failures=2)).get("/metrics").text, client().get("/metrics").text

    assert "\ncsr_exporter_storage_failures_total 2.0\n" in with_storage
    assert "\ncsr_exporter_storage_failures_total " not in without
