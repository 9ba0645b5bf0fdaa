"""The status page in a real browser: what a person, a keyboard and a screen reader get."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page

from csr_exporter.inventory import Reason, SourceError
from csr_exporter.status import Account, Status
from tests.fakes import DAY, FakeJournal, a_csr, an_inventory
from tests.page import world
from tests.page.chromium import chromium, status_page

ROOT = Path(__file__).parents[2]

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1600, "height": 1000}
WALL = {"width": 3840, "height": 2160}

TABLES = ("/csrs?sort=name", "/changes?since=1")
"""The other pages, with all that they can have."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@contextmanager
def opened(browser: Browser, statuses: Sequence[Status], query: str = "", **settings: Any) -> Iterator[Page]:  # noqa: ANN401 - as Playwright
    """The page of *statuses*, which at the end must have had nothing to complain of."""
    complaints: list[str] = []
    journal = FakeJournal(*world.changes(statuses, time.time()))
    with status_page(statuses, journal=journal) as address, browser.new_context(**settings) as context:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        page.on("response", lambda response: complaints.extend([] if response.ok else [response.url]))
        page.goto(address + query)
        yield page
        assert complaints == []


def wider_than_the_window(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def hostile(now: float) -> Status:
    name = '<script>document.title = "owned"</script><img src=x onerror=alert(1)>\u202egnp.exe\u2066' + "W" * 180
    csr = a_csr("1", name=name, domain=name, algorithm=name, created_at=now - DAY)
    status = Status(Account(name)).after_success(an_inventory(csr), now, seconds=0.1)
    return status.after_failure(SourceError(Reason.INTERNAL, name), now, seconds=0.1)


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which finds what keeps people out."""
    file = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    # It comes from npm, which a machine that only runs the tests need not have; .ci/run installs it, and fails without.
    if not file.exists() and not os.environ.get("CI"):
        pytest.skip("axe-core is missing: npm install --no-save --no-package-lock --prefix . axe-core")
    return file.read_text(encoding="utf-8")


def violations(page: Page, axe: str) -> list[str]:
    """What axe-core objects to, contrast included, with all details open."""
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{each['id']}: {node['html'][:200]}" for each in found["violations"] for node in each["nodes"]]


@pytest.mark.parametrize(
    ("viewport", "scheme", "locale"),
    [(PHONE, "light", "en-GB"), (PHONE, "dark", "zh-CN"), (DESK, "dark", "en-GB"), (DESK, "light", "zh-CN")],
    ids=["phone-light-english", "phone-dark-chinese", "desk-dark-english", "desk-light-chinese"],
)
def test_nobody_is_kept_out(browser: Browser, axe: str, viewport: dict[str, int], scheme: str, locale: str) -> None:
    now = time.time()
    statuses = [*world.mixed(now), hostile(now)]

    with opened(browser, statuses, viewport=viewport, color_scheme=scheme, locale=locale) as page:
        assert violations(page, axe) == []
        for path in TABLES:
            page.goto(page.url.rpartition("/")[0] + path)
            assert violations(page, axe) == []


def test_nobody_is_kept_out_of_many_accounts(browser: Browser, axe: str) -> None:
    with opened(browser, world.many(time.time(), 60)) as page:
        assert violations(page, axe) == []


@pytest.mark.parametrize("viewport", [PHONE, DESK, WALL], ids=["phone", "desk", "wall"])
@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_nothing_is_cut_off_or_needs_scrolling_sideways(
    browser: Browser, viewport: dict[str, int], locale: str
) -> None:
    now = time.time()
    statuses = [*world.mixed(now), hostile(now)]

    with opened(browser, statuses, viewport=viewport, locale=locale) as page:
        assert not wider_than_the_window(page)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert not wider_than_the_window(page)
        for path in TABLES:
            page.goto(page.url.rpartition("/")[0] + path)
            assert not wider_than_the_window(page)


def test_ids_of_csrs_can_be_read_without_a_mouse(browser: Browser) -> None:
    csr = a_csr("0123456789abcdef0123456789abcdef", name="shop")

    with opened(browser, [Status(Account("one")).after_success(an_inventory(csr), time.time(), 0.1)]) as page:
        identity = page.get_by_text(csr.id, exact=True)
        assert identity.is_visible()
        assert identity.evaluate("each => getComputedStyle(each).userSelect") != "none"


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_every_width_shows_ages(browser: Browser, viewport: dict[str, int]) -> None:
    with opened(browser, world.fine(time.time()), viewport=viewport) as page:
        assert [each.is_visible() for each in page.locator("summary .age").all()] == [True] * 4


def test_a_wall_of_4k_is_used_from_side_to_side(browser: Browser) -> None:
    with opened(browser, world.mixed(time.time()), viewport=WALL) as page:
        boxes = [each.bounding_box() for each in page.locator("details.account").all()]

    assert max(box["x"] + box["width"] for box in boxes if box) > 0.9 * WALL["width"]
    assert len({box["y"] for box in boxes if box}) < len(boxes)  # some stand side by side


def test_hostile_names_are_text_and_turn_nothing_around(browser: Browser) -> None:
    now = time.time()

    with opened(browser, [hostile(now), world.account("production", 3, now)]) as page:
        title = page.title()
        names = page.locator("details.account h3").all_inner_texts()
        directions = page.locator("h3 bdi").evaluate_all("all => all.map(each => getComputedStyle(each).unicodeBidi)")

    assert title == "Some numbers are out of date or incomplete · CSR Exporter"
    assert names[0].startswith('<script>document.title = "owned"</script><img')
    assert set(directions) == {"isolate"}


def test_a_single_account_is_open_and_several_are_not(browser: Browser) -> None:
    now = time.time()

    with opened(browser, world.fine(now)[:1]) as page:
        alone = page.locator("details.account[open]").count()
    with opened(browser, world.fine(now)) as page:
        together = page.locator("details.account[open]").count()

    assert (alone, together) == (1, 0)


def test_the_keyboard_reaches_links_and_opens_details(browser: Browser) -> None:
    with opened(browser, world.mixed(time.time())) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
        page.keyboard.press("Enter")

        page.locator("details.account[open] .callout").wait_for()
        assert "The service is throttling our requests." in page.locator("details.account[open] .callout").inner_text()


def test_every_link_within_leads_somewhere(browser: Browser) -> None:
    with status_page(world.many(time.time(), 30), "/csr") as address, browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        links = page.locator("a").evaluate_all("all => all.map(each => each.href)")

        within = {link.partition("#")[0] for link in links if link.startswith(address)}
        answers = {link: context.request.get(link).status for link in within}

    assert len(within) > 30
    assert {link for link, status in answers.items() if status != 200} == set()


def test_an_account_without_details_has_a_page_of_its_own(browser: Browser) -> None:
    with opened(browser, world.many(time.time(), 30)) as page:
        page.locator("summary", has_text="Other accounts").click()
        page.get_by_role("link", name="account-0020", exact=True).click()

        page.locator("details.account[open]").wait_for()
        assert page.locator("h3").all_inner_texts() == ["account-0020"]
        page.get_by_role("link", name="All accounts").click()
        page.locator("summary", has_text="Other accounts").wait_for()


def test_nothing_moves_for_those_who_do_not_want_it(browser: Browser) -> None:
    style = "getComputedStyle(document.querySelector('details.account > summary'), '::after').transitionProperty"
    now = time.time()

    with opened(browser, world.fine(now), reduced_motion="reduce") as page:
        still = page.evaluate(style)
    with opened(browser, world.fine(now), reduced_motion="no-preference") as page:
        moving = page.evaluate(style)

    assert (still, moving) == ("none", "transform")


def test_a_page_of_500_accounts_has_them_all(browser: Browser) -> None:
    with opened(browser, world.many(time.time())) as page:
        assert page.locator("tbody a").count() == 490
        assert page.locator("details.account .badge.failing").count() == 10


def test_a_form_without_script_narrows_the_table_of_csrs(browser: Browser) -> None:
    with opened(browser, world.fine(time.time()), "csrs") as page:
        page.get_by_label("Name, domain or id contains").fill("VPN")
        page.locator("select[name=account]").select_option("staging")
        page.get_by_label("Older than").fill("30d")
        page.keyboard.press("Enter")

        page.get_by_role("link", name="Reset").wait_for()
        query = parse_qs(page.url.partition("?")[2])
        accounts = set(page.locator("tbody td:nth-child(2)").all_inner_texts())
        names = page.locator("tbody th").all_inner_texts()
        kept = page.get_by_label("Older than").input_value()

    assert query == {"q": ["VPN"], "account": ["staging"], "older_than": ["30d"], "sort": ["age"]}
    assert (accounts, kept) == ({"staging"}, "30d")
    assert names
    assert all(name.startswith("vpn-") for name in names)


def test_a_duration_that_is_none_is_not_sent(browser: Browser) -> None:
    with opened(browser, world.fine(time.time()), "csrs") as page:
        page.get_by_label("Older than").fill("thirty days")
        page.keyboard.press("Enter")

        assert page.locator("input:invalid").count() == 1
        assert "older_than" not in page.url


def test_the_keyboard_reaches_table_and_pages(browser: Browser) -> None:
    with opened(browser, world.fine(time.time()), "csrs") as page:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "scroll"
        page.get_by_role("link", name="Next").focus()
        page.keyboard.press("Enter")

        page.get_by_text("Page 2 of 5").wait_for()
        assert page.locator("tbody tr").count() == 100


def test_the_changes_are_paged_without_script(browser: Browser) -> None:
    with opened(browser, world.fine(time.time()), "changes") as page:
        first = page.locator("tbody tr").count()
        page.get_by_role("link", name="Older").click()
        page.get_by_role("link", name="Latest").wait_for()
        second = page.locator("tbody tr").count()

    assert (first, second) == (100, 40)


def test_hostile_names_are_text_in_the_tables_too(browser: Browser) -> None:
    now = time.time()
    status = hostile(now)

    with opened(browser, [status], "csrs") as page:
        assert page.title() == "CSRs · CSR Exporter"
        assert page.locator("tbody th bdi").first.inner_text().startswith('<script>document.title = "owned"</script>')
        page.locator("tbody td a").click()
        page.get_by_role("link", name="Reset").wait_for()
        assert page.locator("tbody tr").count() == 1
