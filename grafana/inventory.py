"""Single CSRs: searched, sorted, new and removed."""

from __future__ import annotations

from grafana_foundation_sdk.builders import bargauge, stat, table

from grafana.board import Board, chosen, one_of, typed
from grafana.columns import account, age, algorithm, bar, moment, named
from grafana.panels import Column, Query, Text, bars, listing, tile
from grafana.queries import ACCOUNTS, AGE, CREATED, DAY, SANS, YEAR, days, described, held, series, share, told, total
from grafana.style import ALGORITHMS, CALM, COUNT, DAYS, KEY_AGE, NONE_IS_GOOD, WARNING, fixed

NO_CSR_SERIES = "No CSR matches, or per_csr is off"

MATCHERS = (
    'private_key_algo=~"$algorithm"',
    'usage=~"$usage"',
)
WANTED = ('name=~"(?i).*$search.*"', 'domain_name=~"(?i).*$search.*"')


def _found(*matchers: str, offset: str = "") -> str:
    """The info of the CSRs that match the filters and *matchers*, whatever their age."""
    return " or ".join(f"{series('scm_csr_info', *MATCHERS, *matchers, wanted)}{offset}" for wanted in WANTED)


TOO_YOUNG = f"({AGE} < $age)"
MATCHING = f"group by (account, id) ({_found()}) unless on (account, id) {TOO_YOUNG}"
"""One series for each CSR that matches. The age filter never hides a CSR of unknown age."""

TOLD = f"{described(_found())} unless on (account, id) {TOO_YOUNG}"
"""The same with the labels of each."""

AGES = f"{AGE} and on (account, id) ({MATCHING})"


def _number(vector: str) -> str:
    """How many series *vector* has: 0 if there are CSRs but none like that, absent if there are no CSRs at all."""
    return f"count({vector}) or count({MATCHING}) * 0"


def board() -> Board:
    """The dashboard."""
    made = Board(
        "scm-csr-inventory",
        "CSR inventory",
        "Every listed certificate signing request, with filters. Inspect in a panel's menu exports it as CSV.",
        "now-24h",
    )
    made.variable(chosen("algorithm", "scm_csr_info", ACCOUNTS, "Algorithm", everything=".*"))
    made.variable(chosen("usage", "scm_csr_info", ACCOUNTS, "Usage", everything=".*"))
    ages = {"any": 0, "30 days": 30 * DAY, "90 days": 90 * DAY, "180 days": 180 * DAY, "1 year": YEAR}
    made.variable(one_of("age", "Older than", {**_texts(ages), "2 years": str(2 * YEAR)}))
    made.variable(typed("search", "Name or domain contains"))
    made.variable(one_of("rows", "Rows", {"500": "500", "100": "100", "2000": "2000", "10000": "10000"}))
    made.band(4, (4, _matching()), (4, _part()), (4, _oldest()), (4, _median()), (4, _recent()), (4, _repeated()))
    made.band(8, (8, _by_algorithm()), (8, _by_age()), (8, _by_account()))
    made.band(17, (24, _csrs()))
    made.band(9, (12, _new()), (12, _gone()))
    made.band(9, (12, _shared("domain_name", "Domains with several CSRs")), (12, _shared("name", "Reused names")))
    return made


def _texts(numbers: dict[str, int]) -> dict[str, str]:
    return {name: str(number) for name, number in numbers.items()}


# --- matches in numbers -----------------------------------------------------------------------------------------------


def _matching() -> stat.Panel:
    text = Text(
        "Matching",
        "CSRs with series of their own (scm_csr_info) that match the filters above.",
        NO_CSR_SERIES,
    )
    return tile(text, Query(f"count({MATCHING})", kind="instant"), COUNT)


def _part() -> stat.Panel:
    text = Text(
        "Share of all CSRs",
        "Share of the CSRs reported in the selected accounts (scm_csr_reported) that match. Without a filter, less "
        "than 100 % means that not every CSR could be listed or has series of its own.",
        NO_CSR_SERIES,
    )
    query = Query(share(f"count({MATCHING})", total(held("scm_csr_reported"))), kind="instant")
    return tile(text, query, "percentunit", decimals=1)


def _oldest() -> stat.Panel:
    text = Text("Oldest match", "Age of the oldest matching CSR (scm_csr_age_seconds).", "No match has a date")
    return tile(text, Query(days(f"max({AGES})"), kind="instant"), DAYS, colours=KEY_AGE)


def _median() -> stat.Panel:
    text = Text(
        "Median age", "Half of the matching CSRs are older than this (scm_csr_age_seconds).", "No match has a date"
    )
    return tile(text, Query(days(f"quantile(0.5, {AGES})"), kind="instant"), DAYS, colours=KEY_AGE)


def _recent() -> stat.Panel:
    text = Text(
        "Last 30 days",
        "Matching CSRs created within the last 30 days (scm_csr_age_seconds).",
        NO_CSR_SERIES,
    )
    return tile(text, Query(_number(f"({AGES}) <= {30 * DAY}"), kind="instant"), COUNT)


def _repeated() -> stat.Panel:
    text = Text(
        "Duplicates",
        "Primary domains shared by several matching CSRs of an account (scm_csr_info, label domain_name).",
        NO_CSR_SERIES,
    )
    query = Query(_number(_several("domain_name")), kind="instant")
    return tile(text, query, COUNT, colours=NONE_IS_GOOD)


def _several(label: str) -> str:
    """Values of *label* that several matching CSRs of an account share; per_csr.labels may lack the label."""
    found = _found(f'{label}!=""')
    with_label = f"{described(found)} unless on (account, id) {TOO_YOUNG}"
    return f"count by (account, {label}) ({with_label}) > 1"


# --- matches in charts ------------------------------------------------------------------------------------------------


def _by_algorithm() -> bargauge.Panel:
    text = Text("By key algorithm", "Matching CSRs per private_key_algo (scm_csr_info).", NO_CSR_SERIES)
    query = Query(f"sort_desc(count by (private_key_algo) ({TOLD}))", "{{private_key_algo}}", kind="instant")
    return bars(text, [query], colours=ALGORITHMS, otherwise=fixed(WARNING))


def _by_age() -> bargauge.Panel:
    text = Text("By age (up to)", "Matching CSRs by age (scm_csr_age_seconds).", NO_CSR_SERIES)
    bands = (
        ("30d", 0, 30 * DAY, "#009988"),
        ("90d", 30 * DAY, 90 * DAY, "#6DC09F"),
        ("180d", 90 * DAY, 180 * DAY, "#A9CE83"),
        ("1y", 180 * DAY, YEAR, "#E3C44B"),
        ("2y", YEAR, 2 * YEAR, "#E5702A"),
        (">2y", 2 * YEAR, 1000 * YEAR, "#DD4330"),
    )
    queries = [
        Query(_number(f"(({AGES}) {'>' if low else '>='} {low}) <= {high}"), name, kind="instant")
        for name, low, high, _ in bands
    ]
    colours = {name: colour for name, _, _, colour in bands}
    return bars(text, queries, colours=colours, otherwise=fixed(CALM), upright=True)


def _by_account() -> bargauge.Panel:
    text = Text("By account", "Matching CSRs per account (scm_csr_info).", NO_CSR_SERIES)
    query = Query(f"sort_desc(count by (account) ({MATCHING}))", "{{account}}", kind="instant")
    return bars(text, [query], colours={}, otherwise=fixed(CALM))


# --- one by one -------------------------------------------------------------------------------------------------------


def _csrs() -> table.Panel:
    text = Text(
        "CSRs",
        "Matching CSRs, oldest first, up to the number in Rows: scm_csr_info, scm_csr_age_seconds, "
        "scm_csr_create_timestamp_seconds (field create_time) and scm_csr_sans (additional domain names).",
        NO_CSR_SERIES,
    )
    first = f"topk($rows, {told(days(AGE), TOLD)})"
    queries = [
        first,
        f"{CREATED} * 1000 and on (account, id) {first}",
        f"{SANS} and on (account, id) {first}",
    ]
    columns = [
        account("scm-csr-exporter", "How this account is polled", 120),
        named("name", "Name"),
        named("domain_name", "Domain"),
        algorithm(120),
        Column("usage", "Usage", 110),
        moment("Value #B", "Created"),
        age("Value #A", "Age", 120),
        Column("Value #C", "SANs", 80, COUNT),
        Column("id", "Id", 280),
    ]
    found = listing(text, [Query(query, kind="table") for query in queries], columns, "Age", down=True)
    return found.filterable(filterable=True)


def _complete(offset: str = "") -> str:
    return f"min by (account) ({series('scm_csr_inventory_complete')}{offset}) == 1"


def _new() -> table.Panel:
    text = Text(
        "New in the time range",
        "Matching CSRs that were not in the inventory at the start of the time range, for accounts whose inventory "
        "was complete then (scm_csr_info, scm_csr_inventory_complete).",
        "Nothing new, or no inventory at the start of the time range",
    )
    before = f"group by (account, id) ({series('scm_csr_info')} offset $__range)"
    new = f"{TOLD} unless on (account, id) {before} and on (account) ({_complete(' offset $__range')})"
    return _came_or_went(text, told(f"{CREATED} * 1000", new))


def _gone() -> table.Panel:
    text = Text(
        "Removed in the time range",
        "Matching CSRs that were in the inventory at the start of the time range and are not in it now, for accounts "
        "whose inventory is complete now (scm_csr_info, scm_csr_inventory_complete). Their private keys are gone too.",
        "Nothing removed",
    )
    then = described(_found(offset=" offset $__range"))
    now = f"group by (account, id) ({series('scm_csr_info')})"
    gone = f"{then} unless on (account, id) {now} and on (account) ({_complete()})"
    created = f"max by (account, id) ({series('scm_csr_create_timestamp_seconds')} offset $__range)"
    return _came_or_went(text, told(f"{created} * 1000", gone))


def _came_or_went(text: Text, expr: str) -> table.Panel:
    columns = [
        moment("Value", "Created"),
        account("scm-csr-exporter", "How this account is polled", 100),
        named("name", "Name"),
        named("domain_name", "Domain"),
        algorithm(),
    ]
    return listing(text, [Query(expr, kind="table")], columns, "Created", down=True)


def _shared(label: str, title: str) -> table.Panel:
    what = {"domain_name": "primary domain", "name": "name"}[label]
    text = Text(
        title,
        f"Each {what} shared by several matching CSRs of an account (scm_csr_info, label {label}), most frequent "
        "first; at most 100 rows.",
        "None",
    )
    columns = [
        account("scm-csr-exporter", "How this account is polled", 140),
        Column(label, {"domain_name": "Domain", "name": "Name"}[label]),
        bar("Value", "CSRs", CALM),
    ]
    expr = f"topk(100, {_several(label)})"
    return listing(text, [Query(expr, kind="table")], columns, "CSRs", down=True)
