"""Single CSRs: searched, sorted, new and removed.

A fleet may hold 100,000 CSRs, and a query that reads the series of all of them takes seconds. So accounts are counted
by metrics of their own, the search reads nothing but what matches, and all else waits until few CSRs are selected.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders import stat, table

from grafana.board import Board, chosen, found_by, one_of, typed
from grafana.columns import account, age, algorithm, bar, moment, named, shaded
from grafana.panels import Column, Query, Text, at_least, listing, tile
from grafana.queries import (
    ACCOUNT,
    ACCOUNTS,
    AGES_UNKNOWN,
    CSR,
    DAY,
    REPORTED,
    UNKNOWN_AGE,
    YEAR,
    complete,
    days,
    described,
    held,
    series,
    told,
    total,
)
from grafana.style import CALM, COUNT, DAYS, KEY_AGE, NONE_IS_GOOD

FEW = 2_000
"""CSRs that may be chosen for their series to be read: some fifteen queries read them all."""

NOT_READ = f"None, or more than {FEW:,} CSRs are selected, or per_csr is off: choose accounts above"
NOTHING = "nothing"
"""Stands for no account and for no search: a matcher that finds nothing, where an empty one would read everything."""

FEW_ENOUGH = (
    f"{held('scm_csr_listed')} and on () sum({held('scm_csr_listed')}) <= {FEW}"
    f' or on () label_replace(vector(1), "account", "{NOTHING}", "", "")'
)
FILTERS = ('private_key_algo=~"$algorithm"', 'usage=~"$usage"')
PATTERN = (
    'label_replace(label_replace(vector(1), "text", "(?i).*($search).*", "", ""),'
    f' "text", "{NOTHING}", "text", ".{{7}}.{{0,2}}.{{3}}")'
)
"""The text to search for as a regular expression, if it has three characters or more."""


def _read(metric: str, *matchers: str, offset: str = "") -> str:
    """*metric* of single CSRs, if few enough are selected."""
    return series(metric, *matchers, account="$read") + offset


DATED = f"min by ({CSR}) ({_read('scm_csr_age_seconds')} or {_read('scm_csr_info')} * {UNKNOWN_AGE}) >= $age"
"""The age of each CSR that is old enough."""
INFO = _read("scm_csr_info", *FILTERS)
MATCHING = f"{DATED} and on ({CSR}) {INFO}"


def board() -> Board:
    """The dashboard."""
    made = Board(
        "scm-csr-inventory",
        "CSR inventory",
        "Every listed certificate signing request, with filters. Inspect in a panel's menu exports it as CSV.",
        "now-24h",
    )
    made.variable(typed("search", "Search"))
    made.variable(chosen("algorithm", "scm_csrs", ACCOUNTS, "Algorithm", everything=".*"))
    made.variable(chosen("usage", "scm_csrs_by_usage", ACCOUNTS, "Usage", everything=".*"))
    ages = {"any": 0, "30 days": 30 * DAY, "100 days": 100 * DAY, "200 days": 200 * DAY, "398 days": 398 * DAY}
    made.variable(one_of("age", "Older than", {**_texts(ages), "2 years": str(2 * YEAR)}))
    made.variable(one_of("rows", "Rows", {"500": "500", "100": "100", "2000": "2000"}))
    made.variable(found_by("read", FEW_ENOUGH, '/account="([^"]*)"/', everything=True))
    made.variable(found_by("pattern", PATTERN, '/text="(.*)"/'))
    made.band(4, (6, _listed()), (6, _matching()), (6, _oldest()), (6, _repeated()))
    made.band(8, (11, _accounts()), (13, _search()))
    made.band(17, (24, _csrs()))
    made.band(9, (12, _new()), (12, _gone()))
    made.band(9, (12, _shared("domain_name", "Domains of several CSRs")), (12, _shared("name", "Reused names")))
    return made


def _texts(numbers: dict[str, int]) -> dict[str, str]:
    return {name: str(number) for name, number in numbers.items()}


# --- in numbers -------------------------------------------------------------------------------------------------------


def _listed() -> stat.Panel:
    text = Text(
        "Listed",
        "CSRs that were listed in the selected accounts (scm_csr_listed), whatever the filters.",
        "No current inventory",
    )
    return tile(text, Query(total(held("scm_csr_listed")), kind="instant"), COUNT)


def _matching() -> stat.Panel:
    text = Text(
        "Matching",
        f"CSRs that match the filters above (scm_csr_info), if at most {FEW:,} are selected.",
        "None, or choose accounts",
    )
    none = f"count({_read('scm_csr_info')}) * 0"
    return tile(text, Query(f"count({MATCHING}) or {none}", kind="instant"), COUNT)


def _oldest() -> stat.Panel:
    text = Text(
        "Oldest key",
        "Age of the oldest CSR of the selected algorithms (scm_csr_oldest_age_seconds). At least that, and never "
        "green, where the age of some CSR is not known.",
        "No age is known",
    )
    oldest = held("scm_csr_oldest_age_seconds", 'private_key_algo=~"$algorithm"')
    return at_least(text, days(f"max({oldest})"), AGES_UNKNOWN, DAYS, KEY_AGE)


def _repeated() -> stat.Panel:
    text = Text(
        "Duplicate domains",
        "Primary domains that several CSRs of an account have (scm_csr_duplicate_domains), whatever the filters.",
        "No current inventory",
    )
    return at_least(text, total(held("scm_csr_duplicate_domains")), AGES_UNKNOWN, COUNT, NONE_IS_GOOD)


def _accounts() -> table.Panel:
    text = Text(
        "Accounts",
        "The selected accounts: CSRs (scm_csr_reported), those that could not be listed (scm_csr_listed), the oldest "
        "key (scm_csr_oldest_age_seconds) and scm_csr_duplicate_domains. A click on an account selects it alone.",
        "No current inventory",
    )
    asked = (
        REPORTED,
        f"{REPORTED} - {total(held('scm_csr_listed'), *ACCOUNT)}",
        days(f"max by (job, account) ({series('scm_csr_oldest_age_seconds')})"),
        total(held("scm_csr_duplicate_domains"), *ACCOUNT),
    )
    columns = [
        account("scm-csr-inventory", "CSRs of this account alone"),
        Column("job", "Job"),
        bar("Value #A", "CSRs", CALM),
        shaded("Value #B", "Not listed", COUNT, NONE_IS_GOOD),
        age("Value #C", "Oldest key"),
        Column("Value #D", "Duplicates", unit=COUNT),
    ]
    return listing(text, [Query(expr, kind="table") for expr in asked], columns, "CSRs", down=True)


# --- one by one -------------------------------------------------------------------------------------------------------


def _search() -> table.Panel:
    text = Text(
        "Search",
        "CSRs with the text in Search, of at least three characters, in their name, domain or id, or in their "
        "additional names if per_csr.labels includes sans, at most 100 of them (scm_csr_info), in all "
        "selected accounts. Expressions such as ^shop|^pay work too.",
        "Nothing found; type at least three characters in Search",
    )
    labels = ("name", "domain_name", "sans", "id")
    asked = (series("scm_csr_info", f'{label}=~"$pattern"') for label in labels)
    columns = [
        named("name", "Name"),
        named("domain_name", "Domain"),
        account("scm-csr-inventory", "CSRs of this account alone"),
        Column("job", "Job"),
        Column("id", "Id"),
    ]
    return listing(text, [Query(f"topk(100, {described(' or '.join(asked))})", kind="table")], columns, "Name")


def _csrs() -> table.Panel:
    text = Text(
        "CSRs",
        "Matching CSRs, those of unknown age first and then the oldest, up to the number in Rows: scm_csr_info, "
        "scm_csr_age_seconds, scm_csr_create_timestamp_seconds (field create_time) and scm_csr_sans (additional domain "
        "names).",
        NOT_READ,
    )
    first = f"topk($rows, {MATCHING})"
    queries = [
        told(days(first), described(INFO)),
        f"max by ({CSR}) ({_read('scm_csr_create_timestamp_seconds')} * 1000) and on ({CSR}) {first}",
        f"max by ({CSR}) ({_read('scm_csr_sans')}) and on ({CSR}) {first}",
    ]
    columns = [
        account("scm-csr-exporter", "How this account is polled"),
        Column("job", "Job", 110),
        named("name", "Name"),
        named("domain_name", "Domain"),
        algorithm(120),
        Column("usage", "Usage", 110),
        moment("Value #B", "Created"),
        age("Value #A", "Age", 100),
        Column("Value #C", "SANs", 80, COUNT),
        Column("id", "Id", 280),
    ]
    return listing(text, [Query(query, kind="table") for query in queries], columns, "Age", down=True)


def _new() -> table.Panel:
    text = Text(
        "New in the time range",
        "CSRs of the selected algorithms and usages that were not in the inventory at the start of the time range, for "
        "accounts whose inventory was complete then (scm_csr_info, scm_csr_inventory_complete).",
        f"No inventory at the start of the time range, or {NOT_READ[0].lower()}{NOT_READ[1:]}",
    )
    before = _read("scm_csr_info", offset=" offset $__range")
    new = f"{described(INFO)} unless on ({CSR}) {before} and on (job, account) ({complete(' offset $__range')})"
    return _came_or_went(text, new)


def _gone() -> table.Panel:
    text = Text(
        "Removed in the time range",
        "CSRs of the selected algorithms and usages that were in the inventory at the start of the time range and are "
        "not in it now, for accounts whose inventory is complete now (scm_csr_info, scm_csr_inventory_complete). Their "
        "private keys are gone too.",
        NOT_READ,
    )
    then = described(_read("scm_csr_info", *FILTERS, offset=" offset $__range"))
    gone = f"{then} unless on ({CSR}) {_read('scm_csr_info')} and on (job, account) ({complete()})"
    return _came_or_went(text, gone, " offset $__range")


def _came_or_went(text: Text, who: str, offset: str = "") -> table.Panel:
    created = _read("scm_csr_create_timestamp_seconds", offset=offset)
    dated = f"max by ({CSR}) ({created} * 1000 or {_read('scm_csr_info', offset=offset)} * -1)"
    columns = [
        moment("Value", "Created"),
        account("scm-csr-exporter", "How this account is polled"),
        named("name", "Name"),
        named("domain_name", "Domain"),
        algorithm(),
    ]
    return listing(text, [Query(told(dated, f"({who})"), kind="table")], columns, "Created", down=True)


def _shared(label: str, title: str) -> table.Panel:
    what = {"domain_name": "Domain", "name": "Name"}[label]
    text = Text(
        title,
        f"Each {what.lower()} that several CSRs of the selected algorithms and usages have, and in which accounts "
        f"(scm_csr_info, label {label}).",
        NOT_READ,
    )
    having = f"max by ({CSR}, {label}) ({INFO}) unless on ({label}) vector(0)"  # per_csr.labels may lack the label
    each = f"count by (job, account, {label}) ({having})"
    several = f"sum by ({label}) ({each}) > 1"
    columns = [
        Column(label, what),
        account("scm-csr-exporter", "How this account is polled"),
        Column("job", "Job"),
        bar("Value", "CSRs", CALM),
    ]
    return listing(text, [Query(f"{each} and on ({label}) {several}", kind="table")], columns, what)
