"""The status page, from the facts to the HTML; a real browser sees it in another file."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from html.parser import HTMLParser
from string import Formatter

import pytest

from csr_exporter.inventory import OTHER, UNKNOWN, OffsetMode, Reason, SourceError
from csr_exporter.metrics import Exposed
from csr_exporter.page import charts, overview, preferred_language, render
from csr_exporter.page.facts import (
    MOST_DETAILED,
    Alarm,
    Band,
    Flaw,
    Gap,
    Overview,
    State,
    Trust,
    gap,
    state,
)
from csr_exporter.page.rendering import PROJECT, age_bars, algorithm_bars
from csr_exporter.page.translations import LANGUAGES, Language
from csr_exporter.status import RECENT_POLLS, Account, Churn, Poll, Reloads, Status
from tests.fakes import DAY, NOW, a_csr, a_snapshot, a_status, an_inventory
from tests.page import world

BUCKETS = Exposed().age_buckets
FORBIDDEN = SourceError(Reason.FORBIDDEN, "HTTP 403")
LOCKED = SourceError(Reason.UNAUTHORIZED, "HTTP 401", pause=300)
ENGLISH, CHINESE = LANGUAGES
RELOADS = Reloads("abc", NOW)


def facts_of(*statuses: Status, now: float = NOW) -> Overview:
    return overview(statuses, BUCKETS, RELOADS, now)


def html_of(*statuses: Status, now: float = NOW, language: Language = ENGLISH) -> str:
    return render(facts_of(*statuses, now=now), language, "1.2.3")


def failing(status: Status, error: SourceError = FORBIDDEN) -> Status:
    return status.after_failure(error, NOW + 60, seconds=0.1, requests=1)


# --- facts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "now", "expected"),
    [
        (Status(Account("a")), NOW, State.NEVER),
        (a_status(a_csr()), NOW, State.FRESH),
        (failing(a_status(a_csr())), NOW + 61, State.FAILING),
        (failing(Status(Account("a"))), NOW + 61, State.FAILING),
        (failing(a_status(a_csr())), NOW + 1801, State.STALE),
        (a_status(a_csr()), NOW + 1801, State.STALE),
    ],
)
def test_an_account_is_fresh_failing_stale_or_was_never_polled(status: Status, now: float, expected: State) -> None:
    assert state(status, now) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"complete": False, "reported": None}, Gap.NO_TOTAL),
        ({"complete": False}, Gap.CHANGED),
        ({"complete": False, "reported": 5, "offset_mode": OffsetMode.IGNORED}, Gap.OFFSET_IGNORED),
        ({"complete": False, "reported": 5}, Gap.OFFSET_UNUSED),
        ({"complete": False, "reported": 5, "offset_mode": OffsetMode.PAGE}, Gap.OUT_OF_REACH),
    ],
)
def test_why_an_inventory_is_incomplete_is_told(changes: Mapping[str, object], expected: Gap | None) -> None:
    assert gap(an_inventory(a_csr(), **changes)) is expected


def test_accounts_in_trouble_come_first() -> None:
    incomplete = a_status(name="incomplete", snapshot=a_snapshot(a_csr(), complete=False, reported=2))
    accounts = [
        a_status(a_csr(), name="b"),
        a_status(a_csr(), name="A"),
        incomplete,
        Status(Account("never")),
        failing(a_status(a_csr(), name="failing")),
        failing(Status(Account("nothing"))),
    ]

    found = facts_of(*accounts, now=NOW + 61)

    assert [each.name for each in found.detailed] == ["nothing", "failing", "never", "incomplete", "A", "b"]


def test_ages_fall_into_bands_that_add_up_to_what_was_listed() -> None:
    ages = (0, 7, 8, 364, 365, 4000)
    csrs = [a_csr(f"{age}", algorithm=f"A{age % 2}", created_at=NOW - age * DAY) for age in ages]

    (account,) = facts_of(a_status(*csrs, a_csr("undated", created_at=None))).detailed

    assert {(band.above, band.upto): band.number for band in account.bands if band.number} == {
        (0.0, 7 * DAY): 2,
        (7 * DAY, 30 * DAY): 1,
        (200 * DAY, 365 * DAY): 2,
        (730 * DAY, None): 1,
        (None, None): 1,
    }


def test_totals_are_of_the_accounts_whose_inventory_can_be_shown() -> None:
    small = a_status(a_csr("1", created_at=NOW - DAY), name="small", churn=Churn(1, 2, 3), next_poll=NOW + 90)
    stale = a_status(a_csr("2"), name="stale", last_success=NOW - 4000, churn=Churn(1, 1, 1), next_poll=NOW + 60)
    torn = a_status(name="torn", snapshot=a_snapshot(a_csr("3", algorithm="SM2"), reported=4, complete=False))

    totals = facts_of(small, stale, torn).totals

    assert (totals.accounts, totals.counted, totals.trusted) == (3, 2, 1)
    assert (totals.csrs, totals.listed, totals.missing) == (5, 2, 3)
    assert (totals.by_algorithm["EC_P256"], totals.by_algorithm["SM2"]) == (1, 1)
    assert sum(band.number for band in totals.bands) == 2
    assert totals.oldest == NOW - 365 * DAY
    assert totals.churn == Churn(2, 3, 4)
    assert totals.next_request == NOW + 60


def test_the_numbers_are_sound_only_when_every_account_is() -> None:
    good, waiting = a_status(a_csr(), name="good"), Status(Account("waiting"))
    incomplete = a_status(name="incomplete", snapshot=a_snapshot(a_csr(), complete=False, reported=2))

    assert facts_of(good).totals.trust is Trust.SOUND
    assert facts_of(good, waiting).totals.trust is Trust.STARTING
    assert facts_of(good, waiting, incomplete).totals.trust is Trust.DOUBTFUL
    assert facts_of(failing(good), now=NOW + 61).totals.trust is Trust.DOUBTFUL


def test_no_number_can_be_trusted_once_polls_have_stopped() -> None:
    statuses, rejected = [a_status(a_csr())], Reloads("abc", NOW, successful=False)

    stopped = overview(statuses, BUCKETS, RELOADS, NOW, alive=False)
    older = overview(statuses, BUCKETS, rejected, NOW)

    assert (stopped.alarms, stopped.trust) == ((Alarm.STOPPED,), Trust.DOUBTFUL)
    assert (older.alarms, older.trust) == ((Alarm.CONFIG_REJECTED,), Trust.SOUND)


def test_the_ten_oldest_are_named_the_oldest_first_and_none_of_unknown_age() -> None:
    csrs = [a_csr(f"{age:02}", created_at=NOW - age * DAY) for age in range(12)]

    (account,) = facts_of(a_status(*csrs, a_csr("undated", created_at=None))).detailed

    assert [csr.id for _, csr in account.oldest] == [f"{age:02}" for age in range(11, 1, -1)]


def test_the_oldest_of_all_accounts_are_named_with_their_account() -> None:
    old = a_status(*[a_csr(f"old-{n}", algorithm=f"A{n}", created_at=NOW - (900 - n) * DAY) for n in range(8)])
    young = a_status(*[a_csr(f"young-{n}", created_at=NOW - (9 - n) * DAY) for n in range(8)], name="young")
    stale = a_status(a_csr("stale", created_at=NOW - 999 * DAY), name="stale", last_success=NOW - 4000)

    found = facts_of(young, old, stale).oldest

    assert [csr.id for _, csr in found] == [*(f"old-{number}" for number in range(8)), "young-0", "young-1"]
    assert [account for account, _ in found] == ["production"] * 8 + ["young"] * 2


def test_of_many_accounts_those_in_trouble_have_details_and_the_others_a_line() -> None:
    good = [a_status(a_csr(), name=f"good-{number:02}") for number in range(MOST_DETAILED)]
    bad = [failing(a_status(a_csr(), name=f"bad-{number:02}")) for number in range(2)]

    few, many = facts_of(*good, now=NOW + 61), facts_of(*good, *bad, now=NOW + 61)

    assert (len(few.detailed), few.further) == (MOST_DETAILED, ())
    assert [each.name for each in many.detailed] == ["bad-00", "bad-01"]
    assert [each.name for each in many.further] == [f"good-{number:02}" for number in range(MOST_DETAILED)]


# --- charts -----------------------------------------------------------------------------------------------------------


def widths(*numbers: int) -> list[float]:
    return [bar.width for bar in charts.bars(("", number, 0) for number in numbers)]


def test_bars_are_in_proportion_and_the_least_can_be_seen() -> None:
    assert widths(200, 50, 1, 0) == [100.0, 25.0, charts.THINNEST, 0.0]
    assert widths(0, 0) == [0.0, 0.0]
    assert widths() == []


def test_the_latest_poll_stands_at_the_right_and_those_to_come_leave_room() -> None:
    strip = charts.strip([Poll(NOW, 4.0, 1), Poll(NOW + 60, 1.0, 1), Poll(NOW + 120, 0.0, 1)])

    assert strip.columns[-1].x + strip.column == strip.width
    assert strip.missing < strip.columns[0].x
    assert [column.height for column in strip.columns] == [24, 14.5, 5]
    assert all(column.y + column.height == strip.height for column in strip.columns)


def test_a_full_strip_begins_at_the_left() -> None:
    strip = charts.strip([Poll(NOW, 0.0, 1)] * RECENT_POLLS)

    assert (strip.columns[0].x, strip.missing) == (0, 0)


def test_the_oldest_band_has_the_strongest_shade_and_an_unknown_age_none() -> None:
    bands = [Band(0.0, DAY, 1), Band(DAY, 90 * DAY, 0), Band(90 * DAY, None, 2), Band(None, None, 1)]

    bars = age_bars(bands, ENGLISH)

    assert [(bar.label, bar.shade) for bar in bars] == [
        ("up to 1 d", 1),
        ("1 d \N{EN DASH} 90 d", 3),
        ("over 90 d", 5),
        ("age unknown", 0),
    ]


def test_our_own_names_for_algorithms_are_translated() -> None:
    bars = algorithm_bars({"SM2": 1, OTHER: 2, UNKNOWN: 4}, CHINESE)

    assert [(bar.label, bar.number, bar.width) for bar in bars] == [
        ("SM2", 1, 25.0),
        ("其他", 2, 50.0),
        ("未知", 4, 100.0),
    ]


# --- translations -----------------------------------------------------------------------------------------------------


def placeholders(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same() -> None:
    pairs = {key: (text, CHINESE.texts[key]) for key, text in ENGLISH.texts.items()}

    assert {key: pair for key, pair in pairs.items() if placeholders(pair[0]) != placeholders(pair[1])} == {}


@pytest.mark.parametrize(
    ("prefix", "values"),
    [
        ("state", State),
        ("mark", State),
        ("mark", Flaw),
        ("trust", Trust),
        ("alarm", Alarm),
        ("gap", Gap),
        ("offset", OffsetMode),
        ("reason", Reason),
        ("advice", Reason),
    ],
)
def test_everything_that_can_be_has_a_text(prefix: str, values: type[StrEnum]) -> None:
    assert {f"{prefix}.{value}" for value in values} - ENGLISH.texts.keys() == set()


@pytest.mark.parametrize(
    ("accept", "tag"),
    [
        ("", "en"),
        ("*", "en"),
        ("zh", "zh-CN"),
        ("zh-TW,zh;q=0.9", "zh-CN"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("en;q=0.2, zh-Hans; q=0.7", "zh-CN"),
        ("fr,zh;q=0.1", "zh-CN"),
        ("zh;q=0,en;q=0.1", "en"),
        ("zh;q=nonsense,;;,en", "en"),
    ],
)
def test_the_browser_chooses_the_language(accept: str, tag: str) -> None:
    assert preferred_language(accept).tag == tag


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "under 1 s"), (1, "1 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (2 * DAY, "2 d"), (4e8, "4,629 d")],
)
def test_spans_have_the_largest_unit_of_which_there_are_two(seconds: float, text: str) -> None:
    assert ENGLISH.span(seconds) == text


# --- HTML -------------------------------------------------------------------------------------------------------------

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\u202egnp.exe\u0000' + "x" * 200


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def everything_hostile() -> Status:
    csr = a_csr(HOSTILE, name=HOSTILE, domain=HOSTILE, algorithm=HOSTILE)
    return failing(a_status(csr, name=HOSTILE), SourceError(Reason.INTERNAL, HOSTILE))


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
def test_the_page_holds_nothing_that_runs_or_comes_from_elsewhere(language: Language) -> None:
    page = html_of(everything_hostile(), a_status(a_csr()), Status(Account("never")), now=NOW + 61, language=language)

    assert "&lt;script&gt;alert(1)" in page
    seen = Elements()
    seen.feed(page)
    assert seen.tags & {"script", "style", "iframe", "object", "form", "img"} == set()
    assert [name for name, _ in seen.attributes if name.startswith(("on", "style", "src"))] == []
    links = {str(value) for name, value in seen.attributes if name == "href"}
    assert {link for link in links if ":" in link} == {link for link in links if link.startswith((PROJECT, "data:"))}


def test_a_failing_account_says_why_what_to_do_how_old_its_numbers_are_and_until_when_it_waits() -> None:
    status = replace(failing(a_status(a_csr()), LOCKED), waiting_until=NOW + 360)

    page = html_of(status, now=NOW + 61)

    assert "The last poll failed. The credentials were refused." in page
    assert "unauthorized: HTTP 401" in page
    assert "check the key, password or token, that it belongs to this site, and this machine&#39;s clock" in page
    assert "The numbers shown are from 2027-01-15 08:00:00 UTC, 61 s ago." in page
    assert "No request is sent before 2027-01-15 08:06:00 UTC (in 4 min)" in page


def test_a_stale_account_shows_no_number() -> None:
    page = html_of(failing(a_status(*[a_csr(f"{n}") for n in range(77)])), now=NOW + 4000)

    assert "The last successful poll was 66 min ago, so its numbers are no longer shown." in page
    assert "77" not in re.sub(r"<[^>]+>", " ", page)


def test_an_incomplete_inventory_says_what_is_missing_and_why() -> None:
    snapshot = a_snapshot(a_csr(), complete=False, reported=5, offset_mode=OffsetMode.IGNORED)

    page = html_of(a_status(snapshot=snapshot))

    assert "4 of 5 were not read: the service ignores the offset, and filters did not reach the rest" in page
    assert "4 missing" in page


def text_of(page: str) -> str:
    """*page* as one reads it."""
    inline = re.sub(r"</?(a|bdi|span)\b[^>]*>", "", page)
    return " ".join(re.sub(r"<[^>]+>", " ", inline).split())


def folded(page: str) -> str:
    """*page* without what only shows once an account is opened."""
    return re.sub(r'<div class="body">.*?</details>', "", page, flags=re.DOTALL)


def test_ages_of_an_incomplete_inventory_are_minimums_and_say_what_was_not_read() -> None:
    csrs = [a_csr("1", created_at=NOW - 3 * DAY), a_csr("2", created_at=NOW - 900 * DAY)]
    incomplete = a_status(*csrs, name="torn", snapshot=a_snapshot(*csrs, complete=False, reported=1002))
    complete = a_status(a_csr("3", created_at=NOW - 4 * DAY), name="fine")

    page = html_of(incomplete, complete)

    assert page.count('<span class="doubt">at least 900 d</span>') == 2  # of all accounts, and of this one
    assert "oldest 4 d" in text_of(page)
    assert "up to 7 d ≥ 2" in text_of(page)
    assert "over 730 d ≥ 1 not read 1,000" in text_of(page)
    assert "Older CSRs may be among those not read." in page
    assert not re.search("at least|≥|not read|Older", html_of(complete))


def test_ages_are_minimums_too_where_nobody_knows_how_many_are_missing() -> None:
    page = html_of(a_status(snapshot=a_snapshot(a_csr(), complete=False, reported=None, by_algorithm={})))

    assert "at least 365 d" in page
    assert "not read unknown" in text_of(page)


def test_accounts_without_numbers_are_missing_from_the_charts_and_this_is_said() -> None:
    stale = a_status(a_csr("2"), name="stale", last_success=NOW - 4000)

    assert "Not included: accounts without current numbers (1)." in html_of(a_status(a_csr()), stale)
    assert "no current numbers" not in html_of(a_status(a_csr()), a_status(a_csr(), name="other"))


def test_an_account_without_csrs_has_no_oldest_one_rather_than_an_unknown_one() -> None:
    assert "Oldest CSR \N{EN DASH} no CSRs" in text_of(html_of(a_status()))
    assert "Oldest CSR \N{EN DASH} unknown" in text_of(html_of(a_status(a_csr(created_at=None))))
    assert "Oldest CSR \N{EN DASH} unknown" in text_of(html_of(Status(Account("never"))))


def test_a_page_without_accounts_does_not_say_that_all_is_well() -> None:
    page = html_of()

    assert facts_of().trust is Trust.EMPTY
    assert '<h1 id="verdict">No accounts are polled here</h1>' in page
    assert "up to date" not in page


def test_an_inventory_says_what_reading_it_took() -> None:
    page = html_of(a_status(snapshot=a_snapshot(a_csr(), requests=12, slices=4, carried=3)))

    assert "requests: 12; queries: 4; carried over: 3" in page


def test_a_shard_says_which_it_is_and_how_many_accounts_are_polled_elsewhere() -> None:
    reloads = Reloads("abc", NOW, accounts=9, shard=1, shards=3)

    page = render(overview([a_status(a_csr())], BUCKETS, reloads, NOW), ENGLISH, "1.2.3")

    assert "Shard 1/3 polls 1 of 9 configured accounts." in page
    assert "Shard" not in html_of(a_status(a_csr()))


def test_an_account_over_its_limit_says_so() -> None:
    csrs = [a_csr(f"{number}") for number in range(3)]

    over = html_of(a_status(*csrs, account=Account("production", limit=2)))
    within = html_of(a_status(*csrs, account=Account("production", limit=500)))

    assert "3 CSRs, over the limit of 2" in over
    assert "3 of at most 500" in within


def test_an_account_over_its_limit_is_marked_while_folded_whatever_else_is_wrong() -> None:
    csrs = [a_csr(f"{number}") for number in range(3)]
    over = a_status(*csrs, account=Account("over", limit=2))

    page = html_of(failing(over), a_status(a_csr()), now=NOW + 61)
    rows = html_of(over, *[failing(a_status(a_csr(), name=f"bad-{n:02}")) for n in range(MOST_DETAILED)], now=NOW + 61)

    assert "3 CSRs, over the limit of 2" in text_of(folded(page))
    assert "1 over limit" in text_of(folded(page))
    assert "3, over the limit of 2" in text_of(rows.partition('id="accounts"')[2])


def test_accounts_with_the_same_fault_are_one_line_with_what_to_do_and_a_link_to_them() -> None:
    refused = [failing(a_status(a_csr(), name=f"refused-{number:03}"), LOCKED) for number in range(500)]
    alone = failing(a_status(a_csr(), name="alone"))

    page = html_of(*refused, alone, now=NOW + 61)

    assert "500 accounts: The credentials were refused. What to do: check the key, password or token" in text_of(page)
    assert 'href="./?show=unauthorized#accounts"' in page
    assert folded(page).count("check the key, password or token") == 1
    assert "?show=forbidden" not in page
    assert "accounts: The" not in text_of(html_of(alone, a_status(a_csr()), now=NOW + 61))


def test_accounts_can_be_filtered_by_why_they_fail() -> None:
    refused, forbidden = failing(a_status(a_csr(), name="refused"), LOCKED), failing(a_status(a_csr(), name="other"))

    facts = overview([refused, forbidden], BUCKETS, RELOADS, NOW + 61, show="unauthorized")

    assert [each.name for each in facts.detailed] == ["refused"]


def test_each_recent_poll_tells_its_result_duration_and_requests() -> None:
    page = html_of(failing(a_status(a_csr())), now=NOW + 61)

    assert "<title>2027-01-15 08:01:00 UTC: forbidden, 100 ms, requests: 1</title>" in page
    assert 'aria-label="Polls: 2; succeeded: 1; failed: 1"' in page


def test_a_further_account_has_a_page_of_its_own() -> None:
    statuses = [a_status(a_csr(), name=f"a&b {number}") for number in range(MOST_DETAILED + 1)]

    page = html_of(*statuses)

    assert '<a href="./?account=a%26b+0"><bdi>a&amp;b 0</bdi></a>' in page


def test_a_page_of_many_accounts_stays_light() -> None:
    page = html_of(*world.many(NOW, 500), now=NOW)

    assert len(page.encode()) < 500_000
    assert len(gzip.compress(page.encode(), compresslevel=1)) < 50_000


def test_a_page_of_many_accounts_in_trouble_stays_light_too() -> None:
    page = html_of(*world.refused(NOW, 500), now=NOW)

    assert len(page.encode()) < 700_000
    assert len(gzip.compress(page.encode(), compresslevel=1)) < 60_000


def test_an_age_of_the_future_is_no_age() -> None:
    assert "under 1 s" in html_of(a_status(snapshot=a_snapshot(a_csr(created_at=NOW + 9))))
