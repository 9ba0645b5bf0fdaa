"""What breaks a rule of the policy, whose it is, and what is waived until when.

As in the inventory, series of single CSRs are read only once few are left: hidden variables find the accounts with
violations, and then the ids of the CSRs that break a rule.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries

from grafana.board import Board, chosen, found_by, one_of
from grafana.columns import account, age, algorithm, bar, exactness, exporter_link, moment, named, shaded, state, worded
from grafana.panels import POINTS, Column, Query, Text, areas, at_least, bars, listing, tile
from grafana.queries import (
    ACCOUNT,
    ACCOUNTS,
    CSR,
    DAY,
    EXACT,
    INEXACT,
    REPORTED,
    STATE,
    UNKNOWN_AGE,
    days,
    described,
    exporter,
    held,
    series,
    total,
)
from grafana.style import BAD, CALM, COUNT, GOOD, NEUTRAL, NONE_IS_GOOD, QUIET, RULES, WARNING, fixed, painted

FEW = 2_000
"""Violations whose series are read."""
NOTHING = "nothing"
"""Stands for no account and no CSR: a matcher that finds nothing."""

RULE, OWNER = 'rule=~"$rule"', 'owner=~"$owner"'
NO_POLICY = "No policy, or no current inventory"
NO_WAIVERS = "No waivers"

VIOLATIONS = held("scm_csr_policy_violations", RULE, OWNER)
WAIVED = held("scm_csr_policy_waived", RULE)
UNOWNED = held("scm_csrs_by_owner", 'owner="unowned"')

WAIVER = ("job", "waiver", "rule")
_BY_WAIVER = ", ".join(WAIVER)
ENDS = f"max by ({_BY_WAIVER}) ({exporter('csr_exporter_waiver_expiry_timestamp_seconds', RULE)})"
MATCHES = held("scm_csr_waiver_matches", RULE)
ENDED = f"{total(MATCHES, *WAIVER)} > 0 and on ({_BY_WAIVER}) {ENDS} < time()"
NO_WAIVER_YET = f"count({ENDS}) * 0"

LAST_KNOWN = f"sum(last_over_time(({total(VIOLATIONS, *ACCOUNT)})[7d:1h]) unless {REPORTED})"
"""Violations in accounts that have no current inventory, as last known; by the hour, which costs little for a week."""


def _or_nothing(vector: str, label: str) -> str:
    return f'{vector} or on () label_replace(vector(1), "{label}", "{NOTHING}", "", "")'


def _owned(vector: str) -> str:
    """*vector* with the label ``owner``, also where no owners are configured."""
    return f'label_replace({vector}, "owner", "unowned", "owner", "")'


FEW_ENOUGH = _or_nothing(f"{total(VIOLATIONS, 'account')} > 0 and on () {total(VIOLATIONS)} <= {FEW}", "account")
_FOUND = series("scm_csr_violation", RULE, OWNER, account="$read")
IDS = _or_nothing(f"topk($rows, count by (id) ({_FOUND}))", "id")


def board() -> Board:
    """The dashboard."""
    made = Board(
        "scm-csr-policy",
        "CSR policy",
        "CSRs that break a rule of the policy: whose they are, how old, and what is waived until when.",
        "now-7d",
    )
    made.variable(chosen("rule", "scm_csr_policy_violations", ACCOUNTS, everything=".*"))
    made.variable(chosen("owner", "scm_csrs_by_owner", ACCOUNTS, everything=".*"))
    ahead = {"14 days": 14, "30 days": 30, "90 days": 90}
    made.variable(one_of("ending", "Waivers end within", {name: str(each * DAY) for name, each in ahead.items()}))
    made.variable(one_of("rows", "Rows", {"500": "500", "100": "100", "2000": "2000"}))
    made.variable(found_by("read", FEW_ENOUGH, '/account="([^"]*)"/', everything=True))
    made.variable(found_by("ids", IDS, '/id="([^"]*)"/', everything=True))
    made.band(4, (4, _violations()), (4, _waived()), (4, _unowned()), (4, _ending()), (4, _ended()), (4, _doubt()))
    made.band(8, (7, _by_rule()), (5, _by_owner()), (12, _waivers()))
    made.band(8, (8, _rules_over_time()), (8, _owners_over_time()), (8, _waived_over_time()))
    made.band(9, (11, _rules_and_owners()), (13, _accounts()))
    made.band(15, (24, _csrs()))
    return made


# --- in numbers -------------------------------------------------------------------------------------------------------

DOUBT = (
    "At least that, and never green, while some account is not polled, failing, stale, or not read in full with all "
    "ages."
)


def _violations() -> stat.Panel:
    text = Text(
        "Violations",
        "CSRs of the chosen owners that break a chosen rule and are not waived (scm_csr_policy_violations). A CSR that "
        f"breaks two rules counts twice. {DOUBT}",
        NO_POLICY,
    )
    return at_least(text, total(VIOLATIONS), INEXACT, COUNT, NONE_IS_GOOD)


def _waived() -> stat.Panel:
    text = Text(
        "Waived",
        f"CSRs that break a chosen rule and are waived (scm_csr_policy_waived), whatever their owner. {DOUBT}",
        NO_POLICY,
    )
    return at_least(text, total(WAIVED), INEXACT, COUNT, NEUTRAL)


def _unowned() -> stat.Panel:
    text = Text(
        "Unowned CSRs",
        f"CSRs that no entry of owners matches (scm_csrs_by_owner), whatever the rules and owners chosen. {DOUBT}",
        "No owners, or no current inventory",
    )
    return at_least(text, total(UNOWNED), INEXACT, COUNT, NONE_IS_GOOD)


def _ending() -> stat.Panel:
    text = Text(
        "Waivers ending soon",
        "Waivers of the chosen rules that end within the time chosen in Waivers end within "
        "(csr_exporter_waiver_expiry_timestamp_seconds), whether they excuse any CSR or not.",
        NO_WAIVERS,
    )
    ending = f"count(0 < {ENDS} - time() < $ending) or {NO_WAIVER_YET}"
    return tile(text, Query(ending, kind="instant"), COUNT, colours=NONE_IS_GOOD)


def _ended() -> stat.Panel:
    text = Text(
        "Waivers to renew",
        "Waivers of the chosen rules that have ended while CSRs that they excused still break the rule "
        f"(scm_csr_waiver_matches). {DOUBT}",
        NO_WAIVERS,
    )
    return at_least(text, f"count({ENDED}) or {NO_WAIVER_YET}", INEXACT, COUNT, NONE_IS_GOOD)


def _doubt() -> stat.Panel:
    text = Text(
        "Accounts in doubt",
        "Accounts that may break more rules than is known: nobody polls them (csr_exporter_configured_accounts), their "
        "last poll failed (scm_csr_up) or was three poll intervals ago, or not every CSR was read with its age "
        "(scm_csr_inventory_complete, scm_csr_age_distribution_seconds). The overview names them.",
        "No account is polled",
    )
    return tile(text, Query(INEXACT, kind="instant"), COUNT, colours=NONE_IS_GOOD)


def _by_rule() -> bargauge.Panel:
    text = Text(
        "Violations by rule",
        "CSRs of the chosen owners that break each rule and are not waived (scm_csr_policy_violations), in accounts "
        "with a current inventory.",
        NO_POLICY,
    )
    query = Query(f"sort_desc({total(VIOLATIONS, 'rule')})", "{{rule}}", kind="instant")
    return bars(text, [query], colours=RULES, otherwise=fixed(CALM))


def _by_owner() -> bargauge.Panel:
    text = Text(
        "Violations by owner",
        "The ten owners of most violations of the chosen rules (scm_csr_policy_violations), in accounts with a current "
        "inventory. Grey are CSRs that no entry of owners matches.",
        NO_POLICY,
    )
    query = Query(f"sort_desc(topk(10, {_owned(total(VIOLATIONS, 'owner'))}))", "{{owner}}", kind="instant")
    return bars(text, [query], colours={"unowned": QUIET}, otherwise=fixed(CALM))


def _waivers() -> table.Panel:
    text = Text(
        "Waivers",
        "Each waiver of the chosen rules, the first to end first (csr_exporter_waiver_expiry_timestamp_seconds), and "
        "how many CSRs that it selects break its rule (scm_csr_waiver_matches): they are excused until then, and are "
        "violations afterwards. Ends soon is within the time chosen in Waivers end within.",
        NO_WAIVERS,
    )
    asked = (
        f"{ENDS} * 1000",
        f"({ENDS} - time() > bool 0) + ({ENDS} - time() > bool $ending)",
        total(MATCHES, *WAIVER),
    )
    columns = [
        named("waiver", "Waiver"),
        Column("job", "Job"),
        Column("rule", "Rule", 165),
        moment("Value #A", "Ends"),
        worded("Value #B", "State", {"2": ("in force", GOOD), "1": ("ends soon", WARNING), "0": ("ended", BAD)}),
        Column("Value #C", "CSRs", 70, COUNT),
    ]
    return listing(text, [Query(expr, kind="table") for expr in asked], columns, "Ends")


# --- over time --------------------------------------------------------------------------------------------------------


def _rules_over_time() -> timeseries.Panel:
    text = Text(
        "Violations by rule over time",
        "CSRs of the chosen owners that break each rule and are not waived (scm_csr_policy_violations). Last known "
        "(grey) are those of accounts that had a current inventory within the 7 days before and have none: whether "
        "they still break a rule is not known.",
        NO_POLICY,
    )
    queries = [Query(total(VIOLATIONS, "rule"), "{{rule}}"), Query(LAST_KNOWN, "last known")]
    return _coloured(areas(text, queries, COUNT))


def _owners_over_time() -> timeseries.Panel:
    text = Text(
        "Violations by owner over time",
        "The ten owners of most violations of the chosen rules at each time (scm_csr_policy_violations), in accounts "
        "with a current inventory then. Grey are CSRs that no entry of owners matches.",
        NO_POLICY,
    )
    query = Query(f"topk(10, {_owned(total(VIOLATIONS, 'owner'))})", "{{owner}}")
    panel = areas(text, [query], COUNT).max_data_points(POINTS).decimals(0)
    return panel.override_by_name("unowned", [painted(QUIET)])


def _waived_over_time() -> timeseries.Panel:
    text = Text(
        "Waived over time",
        "CSRs that break a chosen rule and are waived (scm_csr_policy_waived), whatever their owner.",
        NO_POLICY,
    )
    return _coloured(areas(text, [Query(total(WAIVED, "rule"), "{{rule}}")], COUNT))


def _coloured(panel: timeseries.Panel) -> timeseries.Panel:
    """*panel* with the colours of the rules."""
    panel.max_data_points(POINTS).color_scheme(fixed(CALM)).decimals(0)
    for name, colour in {**RULES, "last known": QUIET}.items():
        panel.override_by_name(name, [painted(colour)])
    return panel


# --- whose, where and which -------------------------------------------------------------------------------------------


def _rules_and_owners() -> table.Panel:
    text = Text(
        "By rule and owner",
        "Violations of each chosen rule and owner (scm_csr_policy_violations), and in how many accounts. A click on a "
        "rule or an owner lists the CSRs on the exporter's page, at the address in Exporter URL.",
        "No violation, or no policy",
    )
    each = f"{_owned(total(VIOLATIONS, *ACCOUNT, 'rule', 'owner'))} > 0"
    columns = [
        exporter_link("rule", "Rule", "CSRs of this owner that break this rule", 165, owner="Owner", rule="Rule"),
        exporter_link("owner", "Owner", "CSRs of this owner", owner="Owner"),
        bar("Value #A", "Violations", WARNING),
        Column("Value #B", "Accounts", 85, COUNT),
    ]
    asked = (f"sum by (rule, owner) ({each})", f"count by (rule, owner) ({each})")
    return listing(text, [Query(expr, kind="table") for expr in asked], columns, "Violations", down=True)


def _accounts() -> table.Panel:
    text = Text(
        "Accounts",
        "Each account, the one with most violations first: the last poll (scm_csr_up), violations of the chosen rules "
        "and owners (scm_csr_policy_violations), whether there may be more, because not all CSRs were read lately and "
        "with an age, and what is waived (scm_csr_policy_waived) and unowned (scm_csrs_by_owner). A click on an "
        "account selects it alone.",
        "No account is polled",
    )
    asked = (
        STATE,
        total(VIOLATIONS, *ACCOUNT),
        f"{REPORTED} * 0 + 1 and on (job, account) ({EXACT}) or ({STATE}) * 0",
        total(WAIVED, *ACCOUNT),
        total(UNOWNED, *ACCOUNT),
    )
    columns = [
        account("scm-csr-policy", "This account alone"),
        Column("job", "Job"),
        state("Value #A"),
        shaded("Value #B", "Violations", COUNT, NONE_IS_GOOD),
        exactness("Value #C", "Known"),
        Column("Value #D", "Waived", 75, COUNT),
        Column("Value #E", "Unowned", 90, COUNT),
    ]
    return listing(text, [Query(expr, kind="table") for expr in asked], columns, "Violations", down=True)


def _csrs() -> table.Panel:
    text = Text(
        "Violating CSRs",
        "CSRs of the chosen owners that break a chosen rule and are not waived, once for each rule, those of unknown "
        "age first and then the oldest, up to the number of CSRs in Rows, those that break most rules "
        "(scm_csr_violation, scm_csr_age_seconds, scm_csr_info). A click on a rule or an owner lists such CSRs on the "
        "exporter's page, at the address in Exporter URL.",
        f"None, more than {FEW:,}, or per_csr is off: choose accounts, rules or owners above",
    )
    chosen_ids = 'id=~"$ids"'
    found = series("scm_csr_violation", RULE, OWNER, chosen_ids, account="$read")
    who = _owned(f"max by ({CSR}, name, rule, owner) ({found})")
    dated = f"min by ({CSR}) ({series('scm_csr_age_seconds', chosen_ids, account='$read')})"
    aged = f"({dated} or max by ({CSR}) ({found}) * {UNKNOWN_AGE})"
    info = described(series("scm_csr_info", chosen_ids, account="$read"))
    asked = (
        f"{who} * on ({CSR}) group_left () {days(aged)} * on ({CSR}) group_left (domain_name, private_key_algo) {info}"
    )
    columns = [
        account("scm-csr-exporter", "How this account is polled"),
        Column("job", "Job", 110),
        named("name", "Name"),
        named("domain_name", "Domain"),
        algorithm(120),
        exporter_link(
            "rule",
            "Rule",
            "CSRs of this owner that break this rule",
            165,
            account="Account",
            owner="Owner",
            rule="Rule",
        ),
        exporter_link("owner", "Owner", "CSRs of this owner", owner="Owner"),
        age("Value", "Age", 100),
        Column("id", "Id", 280),
    ]
    return listing(text, [Query(asked, kind="table")], columns, "Age", down=True)
