"""What the address of the status page can ask for, as the exporter serves it."""

from __future__ import annotations

import re

import httpx2
import pytest
from starlette.testclient import TestClient

from csr_exporter.inventory import Reason, SourceError
from csr_exporter.page.view import View
from csr_exporter.status import Account, Status
from csr_exporter.web.routes import application
from tests.fakes import NOW, FakeExporter, a_csr, a_status, an_inventory

FAILED = SourceError(Reason.FORBIDDEN, "HTTP 403")


def get(target: str, *statuses: Status) -> httpx2.Response:
    response: httpx2.Response = TestClient(application(FakeExporter(*statuses))).get(target)
    return response


def accounts() -> list[Status]:
    return [
        Status(Account("fine")).after_success(an_inventory(a_csr()), 2 * NOW, 0.1),
        Status(Account("broken")).after_failure(FAILED, NOW, 0.1),
        Status(Account("new")),
    ]


def shown(page: httpx2.Response) -> list[str]:
    return re.findall(r"<h3><bdi>(.*?)</bdi></h3>", page.text)


@pytest.mark.parametrize(
    ("query", "view"),
    [
        ("", View()),
        ("account=a&account=b+c", View(accounts=("a", "b c"))),
        ("show=failing", View(show="failing")),
        ("refresh=60", View(refresh=60)),
        ("refresh=0", View()),
        ("refresh=-5", View()),
        ("refresh=999999", View()),
        ("refresh=soon", View()),
        ("refresh=\N{SUPERSCRIPT TWO}", View()),
    ],
)
def test_a_query_is_a_view_and_what_makes_no_sense_is_ignored(query: str, view: View) -> None:
    asked = httpx2.QueryParams(query)

    assert View.of(asked.multi_items()) == view


def test_links_keep_what_they_do_not_change() -> None:
    view = View(accounts=("a&b",), show="failing", refresh=60)

    assert view.link() == "./?account=a%26b&show=failing&refresh=60"
    assert view.link(show=None) == "./?account=a%26b&refresh=60"
    assert View().link() == "./"


def test_badges_are_links_that_filter_the_accounts() -> None:
    whole = get("/", *accounts())
    failing = get("/?show=failing", *accounts())

    assert 'href="./?show=failing#accounts"' in whole.text
    assert (len(shown(whole)), shown(failing)) == (3, ["broken"])
    assert 'aria-current="true"' not in whole.text
    assert re.search(r'href="./#accounts" aria-current="true">.{0,120}1 failing', failing.text)
    assert "1 of 3" in failing.text


def test_the_totals_of_a_filtered_page_are_those_of_all_accounts() -> None:
    page = get("/?show=never", *accounts()).text

    assert "Up to date and complete: 1 of 3 accounts." in page


def test_a_filter_that_no_account_passes_says_so() -> None:
    page = get("/?show=stale", *accounts())

    assert shown(page) == []
    assert "No account matches." in page.text


def test_the_page_refreshes_itself_when_asked_to_and_only_then() -> None:
    plain, refreshing = get("/"), get("/?refresh=60")

    assert "Refresh" not in plain.headers
    assert refreshing.headers["Refresh"] == "60"
    assert 'href="./?refresh=60">Refresh every minute</a>' in plain.text
    assert 'Refreshes every 60 s · <a href="./">Stop</a>' in refreshing.text


def test_the_page_of_an_account_keeps_refreshing() -> None:
    many = [a_status(a_csr(), name=f"account-{number:02}", last_success=4e9) for number in range(30)]

    assert 'href="./?account=account-00&amp;refresh=60"' in get("/?refresh=60", *many).text
