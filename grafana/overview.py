"""How many CSRs there are, how old they are, and whether that can be trusted."""

from __future__ import annotations

from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from grafana.board import Board, one_of
from grafana.columns import COLOURED_TEXT, account, age, exactness, named, shaded, state, waited
from grafana.panels import (
    AT_LEAST,
    POINTS,
    Column,
    Query,
    Text,
    areas,
    at_least,
    bars,
    counts,
    figures,
    limited,
    lines,
    listing,
    tile,
    trend,
)
from grafana.queries import (
    ACCOUNT,
    AGES_KNOWN,
    AGES_UNKNOWN,
    DOCUMENTED,
    LAST_KNOWN,
    NEVER,
    NO_AGE,
    NOT_COUNTED,
    REPLICAS,
    REPORTED,
    STATE,
    UNTRUSTED_ACCOUNTS,
    coverage,
    data_age,
    days,
    held,
    noticed,
    older_than,
    series,
    share,
    total,
)
from grafana.style import (
    AGE_BANDS,
    ALGORITHMS,
    ALL_IS_GOOD,
    BAD,
    CALM,
    COUNT,
    DASH,
    DAYS,
    GOOD,
    KEY_AGE,
    NEUTRAL,
    NONE_IS_GOOD,
    NONE_OR_BAD,
    QUIET,
    WAIT,
    WARNING,
    doubtful,
    fixed,
    limits,
    painted,
    upward,
    words,
)

NO_INVENTORY = "No current inventory"
NOT_POLLED = "No account is polled"
NO_CSR_SERIES = "No series per CSR (per_csr.enabled)"

LIMIT = limits(GOOD, (0.8, WARNING), (1, BAD))
OLD_FROM = {
    "398 days": "3[.]43872e[+]0?7|34387200([.]0)?",
    "200 days": "1[.]728e[+]0?7|17280000([.]0)?",
    "1 year": "3[.]1536e[+]0?7|31536000([.]0)?",
    "2 years": "6[.]3072e[+]0?7|63072000([.]0)?",
}
"""Ages that the default buckets end at, as Prometheus may spell them."""
OLD = 'le=~"$old"'

UNDOCUMENTED = f"{total(held('scm_csrs'))} - {total(held('scm_csrs', DOCUMENTED))}"
_LIMITS = f"max by (job, account) ({series('scm_csr_limit')})"
LIMIT_USED = share(REPORTED, _LIMITS)
_OF_EACH = series("scm_csr_reported")
FORECAST = f"max without ({REPLICAS}) (predict_linear({_OF_EACH}[7d], 30 * 86400) and {_OF_EACH} offset 5d)"
"""Absent until there is a history of five days, before which a trend says nothing."""


def board() -> Board:
    """The dashboard."""
    made = Board(
        "scm-csr-overview",
        "CSR overview",
        "The certificate signing requests, and so the private keys, that Huawei Cloud SSL Certificate Manager stores.",
        "now-7d",
    )
    made.variable(one_of("old", "Old from", OLD_FROM))
    made.band(4, (4, _stored()), (4, _oldest()), (4, _old()), (4, _coverage()), (4, _data_age()), (4, _trust()))
    made.band(9, (8, _by_algorithm()), (8, _by_age()), (8, _worth_a_look()))
    made.band(8, (10, _over_time()), (7, _changes()), (7, _limit()))
    made.band(12, (24, _accounts()))
    made.band(9, (24, _alerts()))
    return made


# --- the answer at a glance -------------------------------------------------------------------------------------------


def _stored() -> stat.Panel:
    text = Text(
        "CSRs stored",
        "CSRs as the service counts them (scm_csr_reported, field total), in the selected accounts. Accounts whose "
        "last inventory is older than stale_after are not included; then it says how many accounts are counted.",
        NO_INVENTORY,
    )
    panel = tile(text, Query(total(held("scm_csr_reported")), "CSRs", kind="instant"), COUNT)
    panel.with_target(Query(NOT_COUNTED, "accounts of {{all}}", kind="instant").target("B"))
    return panel.override_by_query("B", [painted(WARNING)]).text_mode(BigValueTextMode.AUTO)


def _oldest() -> stat.Panel:
    text = Text(
        "Oldest key",
        "Age of the oldest CSR, and so of its private key (scm_csr_oldest_age_seconds, from create_time). "
        "Orange from 398 days, red from 730. At least that, and never green, where the age of some CSR is not known.",
        "No age is known",
    )
    oldest = days(f"max({held('scm_csr_oldest_age_seconds')})")
    return at_least(text, oldest, AGES_UNKNOWN, DAYS, KEY_AGE)


def _old() -> stat.Panel:
    text = Text(
        "Older than ${old:text}",
        "CSRs older than chosen above (scm_csr_age_distribution_seconds). A key should not outlive a one-year "
        "certificate. At least that, and never green, where the age of some CSR is not known.",
        "No age is known, or age_buckets has no such age",
    )
    return at_least(text, older_than(OLD), AGES_UNKNOWN, COUNT, NONE_IS_GOOD)


def _coverage() -> stat.Panel:
    text = Text(
        "Read in full",
        "Share of the reported CSRs that could be listed (scm_csr_listed / scm_csr_reported). Below 100 % the counts "
        "by algorithm are still exact, but ages, domains and single CSRs are incomplete.",
        NO_INVENTORY,
    )
    return tile(text, Query(coverage(), kind="instant"), "percentunit", colours=ALL_IS_GOOD, decimals=1)


def _data_age() -> stat.Panel:
    text = Text(
        "Data age",
        "Time since the last successful poll of the account that has waited longest "
        "(csr_exporter_last_success_timestamp_seconds); never if a poll has not succeeded since the exporters started. "
        "Orange from 15 minutes, red from 30, the default of stale_after.",
        NOT_POLLED,
    )
    never = words({"-1": ("never", BAD)})
    return trend(text, f"{NEVER} or max({data_age()})", "s", colours=WAIT, meanings=[never])


def _trust() -> stat.Panel:
    text = Text(
        "Can I trust it?",
        "Yes if every configured account is polled (csr_exporter_configured_accounts), and its last poll succeeded "
        "(scm_csr_up), is at most three poll intervals old, and read every CSR (scm_csr_inventory_complete). "
        "Otherwise the number of accounts for which this is not so.",
        NOT_POLLED,
    )
    meanings = [
        words({"0": ("Yes", GOOD), "1": ("No: 1 account", BAD)}),
        *(words({str(count): (f"No: {count} accounts", BAD)}) for count in range(2, 21)),
        upward(21, "No: many accounts", BAD),
    ]
    return trend(text, UNTRUSTED_ACCOUNTS, colours=NONE_OR_BAD, meanings=meanings, filled=True)


# --- what there is ----------------------------------------------------------------------------------------------------


def _by_algorithm() -> bargauge.Panel:
    text = Text(
        "By key algorithm",
        "CSRs per private_key_algo (scm_csrs): totals of filtered queries, so exact even if not every CSR could be "
        "listed. Orange and red are algorithms that the service does not document.",
        NO_INVENTORY,
    )
    query = Query(f"sort_desc({total(held('scm_csrs'), 'private_key_algo')})", "{{private_key_algo}}", kind="instant")
    return bars(text, [query], colours=ALGORITHMS, otherwise=fixed(WARNING))


def _by_age() -> bargauge.Panel:
    text = Text(
        "By age (up to)",
        "Listed CSRs by age (scm_csr_age_distribution_seconds, from create_time), in the configured age_buckets; "
        "no age have those that could not be listed, and those without a date.",
        "No age is known",
    )
    bands = Query(total(held("scm_csr_age_distribution_seconds_bucket"), "le"), kind="heatmap")
    unknown = Query(f"sum({NO_AGE}) > 0", "no age", kind="instant")
    panel = bars(text, [bands, unknown], colours={"no age": QUIET}, otherwise=fixed(CALM), upright=True)
    panel.interval("5m").time_from("10m").hide_time_override(hide_time_override=True)  # it shows the last alone
    for bound, name, colour in AGE_BANDS:
        renamed = DynamicConfigValue(id_val="displayName", value=name)
        panel.override_by_regexp(f"/{bound}/", [renamed, painted(colour)])
    return panel


def _worth_a_look() -> stat.Panel:
    text = Text(
        "Needs attention",
        "What a review would ask about: CSRs older than 730 days; CSRs with an algorithm the service does not "
        "document (scm_csrs); primary domains with more than one CSR (scm_csr_duplicate_domains); distinct wildcard "
        "names (scm_csr_wildcard_domains); CSRs that were reported but could not be listed. What is only known of "
        "listed CSRs is at least that, and not green, while others are not listed.",
        NO_INVENTORY,
    )
    asked = [
        Query(f"{total(held('scm_csr_reported'))} - {total(held('scm_csr_listed'))}", "Not listed", kind="instant"),
        Query(UNDOCUMENTED, "Undocumented algorithms", kind="instant"),
    ]
    colours = {"Not listed": NONE_IS_GOOD, "Undocumented algorithms": NONE_OR_BAD}
    for name, expr, thresholds in (
        ("Over two years", older_than(f'le=~"{OLD_FROM["2 years"]}"'), NONE_IS_GOOD),
        ("Duplicate domains", total(held("scm_csr_duplicate_domains")), NONE_IS_GOOD),
        ("Wildcard names", total(held("scm_csr_wildcard_domains")), NEUTRAL),
    ):
        asked.append(Query(f"({expr}) and on () ({AGES_UNKNOWN} == 0)", name, kind="instant"))
        asked.append(Query(f"({expr}) and on () ({AGES_UNKNOWN} > 0)", f"{name}, {AT_LEAST}", kind="instant"))
        colours |= {name: thresholds, f"{name}, {AT_LEAST}": doubtful(thresholds)}
    return figures(text, asked, colours)


# --- over time --------------------------------------------------------------------------------------------------------


def _over_time() -> timeseries.Panel:
    text = Text(
        "CSRs over time",
        "CSRs per private_key_algo (scm_csrs). Last known (grey) are those of accounts that had a current inventory "
        "within the 7 days before and have none, as scm_csr_reported last said: whether they are still there is not "
        "known.",
        NO_INVENTORY,
    )
    queries = [
        Query(total(held("scm_csrs"), "private_key_algo"), "{{private_key_algo}}"),
        Query(LAST_KNOWN, "last known"),
    ]
    panel = areas(text, queries, COUNT).max_data_points(POINTS)
    panel.color_scheme(fixed(WARNING)).decimals(0)
    for name, colour in {**ALGORITHMS, "last known": QUIET}.items():
        panel.override_by_name(name, [painted(colour)])
    return panel


def _changes() -> timeseries.Panel:
    text = Text(
        "Added and removed",
        "CSRs added (scm_csr_added_total) and removed (scm_csr_removed_total, below zero) between complete "
        "inventories, per step of the graph. A removed CSR takes its private key with it.",
        "No inventory yet",
    )
    queries = [
        Query(total(noticed("scm_csr_added_total")), "added"),
        Query(f"-{total(noticed('scm_csr_removed_total'))}", "removed"),
    ]
    panel = counts(text, queries, "5m").axis_soft_max(5).override_by_name("added", [painted(CALM)])
    return panel.override_by_name("removed", [painted(BAD)])


def _limit() -> timeseries.Panel:
    text = Text(
        "Limit used",
        "scm_csr_reported / scm_csr_limit, for the ten accounts that use most of a configured limit. Orange from 80 %, "
        "red from 100 %.",
        "No account has a limit",
    )
    panel = lines(text, [Query(f"topk(10, {LIMIT_USED})")], "percentunit").axis_soft_max(1.2)
    return limited(panel, LIMIT)


# --- accounts, CSRs and alerts ----------------------------------------------------------------------------------------


def _accounts() -> table.Panel:
    text = Text(
        "Accounts",
        "Each account now, and those polled within a day: the last poll (scm_csr_up), CSRs (scm_csr_reported), the "
        "share that was listed, ages from create_time, at least those where some are not known, how many are old "
        "(chosen in Old from), how much of the configured limit is used and will be in 30 days at the rate of the last "
        "7, once there is a history of 5, and the time since the last successful poll. Failing accounts come first.",
        DASH,
    )
    asked = (
        STATE,
        REPORTED,
        coverage(*ACCOUNT),
        f"{REPORTED} * 0 + 1 and on (job, account) ({AGES_KNOWN}) or {REPORTED} * 0",
        days(f"max by (job, account) ({series('scm_csr_oldest_age_seconds')})"),
        older_than(OLD, *ACCOUNT),
        LIMIT_USED,
        share(f"clamp_min({total(FORECAST, *ACCOUNT)}, 0)", _LIMITS),
        data_age(),
    )
    columns = [
        account("scm-csr-inventory", "CSRs of this account"),
        Column("job", "Job"),
        state("Value #A"),
        Column("Value #B", "CSRs", unit=COUNT),
        shaded("Value #C", "Read in full", "percentunit", ALL_IS_GOOD, decimals=1),
        exactness("Value #D"),
        age("Value #E", "Oldest key"),
        shaded("Value #F", "Old", COUNT, limits("text", (1, WARNING))),
        shaded("Value #G", "Limit used", "percentunit", LIMIT, decimals=1),
        shaded("Value #H", "Limit in 30 d", "percentunit", LIMIT, decimals=1),
        waited("Value #I", "Data age"),
    ]
    return listing(text, [Query(expr, kind="table") for expr in asked], columns, "State", "Account")


def _alerts() -> table.Panel:
    text = Text(
        "Firing alerts",
        "Alerts from the exporter's rules that fire now (ALERTS), and how long their cause has lasted "
        "(ALERTS_FOR_STATE), for the selected jobs and accounts and for alerts without an account.",
        "No alert fires, or this Prometheus evaluates no rules",
    )
    severities = words({"3": ("critical", BAD), "2": ("warning", WARNING), "1": ("info", CALM)})
    columns = [
        Column(
            "Value #B", "Severity", 75, settings=(("mappings", [severities]), COLOURED_TEXT, ("custom.align", "left"))
        ),
        named("alertname", "Alert"),
        account("scm-csr-exporter", "How this account is polled"),
        Column("job", "Job", 90),
        Column("Value #A", "For", 65, "s", (("decimals", 0),)),
    ]
    queries = [Query(f"time() - {_alerting('ALERTS_FOR_STATE')} and {FIRING}", kind="table"), Query(RANK, kind="table")]
    return listing(text, queries, columns, "Severity", down=True)


def _alerting(metric: str, matchers: str = "") -> str:
    which = f'alertname=~"(ScmCsr|CsrExporter).+", job=~"$job|", account=~"$account|"{matchers}'
    return f"max by (alertname, severity, job, account) ({metric}{{{which}}})"


FIRING = _alerting("ALERTS", ', alertstate="firing"')
CRITICAL, WARNINGS = (
    _alerting("ALERTS", f', alertstate="firing", severity="{each}"') for each in ("critical", "warning")
)
RANK = f"{CRITICAL} * 3 or {WARNINGS} * 2 or {FIRING}"
"""How severe each alert is, as a number, so that the worst come first."""
