"""Alerts about whether the numbers can be trusted: complete, fresh, and read from whole records."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.prometheus.alert import HEALTH, Alert
from deploy.prometheus.promql import (
    ACCOUNT,
    AGE,
    COUNT,
    MINUTE,
    OF_ACCOUNT,
    duration,
    held,
    highest,
    listing,
    number,
)
from deploy.prometheus.thresholds import Thresholds

INTERVAL = number(f"max(csr_exporter_poll_interval_seconds{{{OF_ACCOUNT}}})", "?", "humanizeDuration")


def recent_failures(t: Thresholds) -> str:
    """Template for the reasons why polls failed lately, each with its count."""
    increase = f"increase(csr_exporter_poll_failures_total{{{OF_ACCOUNT}}}[{t.window(t.failing_window)}])"
    return listing(
        f"sort_desc(max by (reason) ({increase}) > 0)",
        "reason",
        'printf "%.0f"',
        f"Failed polls of the last {duration(t.failing_window)}:",
    )


def trust(t: Thresholds) -> Iterator[Alert]:
    """The alerts of this concern."""
    yield Alert(
        name="ScmCsrInventoryIncomplete",
        severity="warning",
        hold=30 * MINUTE,
        when="no poll reads all CSRs that the service reports",
        expr=f"""
            {highest("scm_csr_inventory_complete")} == 0
        """,
        summary=f"Not every CSR of {ACCOUNT} is seen",
        description=f"The service reports {held()} CSRs of account {ACCOUNT}; "
        f"{number(f'max(scm_csr_listed{{{OF_ACCOUNT}}})', 'an unknown number of them')} were read. Counts per "
        "algorithm hold, but whatever is said of single CSRs, of ages and of domains has blind spots.",
        dashboard=HEALTH,
    )
    yield from _staleness(t)
    yield from _records(t)
    yield Alert(
        name="ScmCsrClockSkew",
        severity="warning",
        hold=15 * MINUTE,
        when=f"the clocks of an exporter and of the service are more than {t.skew:g}s apart",
        expr=f"""
            max without (account) (abs(csr_exporter_clock_skew_seconds)) > {t.skew:g}
        """,
        summary=f"The clock of {{{{ $labels.instance }}}} is {AGE} off",
        description=f"The clock of the exporter at {{{{ $labels.instance }}}} and that of the service are {AGE} apart. "
        "Ages are wrong by as much, and past 15m the service refuses signed requests.",
        dashboard=HEALTH,
        of_account=False,
    )


def _staleness(t: Thresholds) -> Iterator[Alert]:
    age = f"time() - {highest('csr_exporter_last_success_timestamp_seconds')}"
    interval = highest("csr_exporter_poll_interval_seconds")
    yield Alert(
        name="ScmCsrDataStale",
        severity="warning",
        hold=5 * MINUTE,
        when=f"the last good poll of an account is more than {t.stale_polls:g} poll intervals ago",
        expr=f"""
            {age}
            > {t.stale_polls:g} * {interval}
        """,
        summary=f"The numbers of {ACCOUNT} are {AGE} old",
        description=f"The last good poll of account {ACCOUNT} was {AGE} ago; it is polled every {INTERVAL}. What is "
        f"shown is the inventory of that time, until stale_after.{recent_failures(t)}",
        dashboard=HEALTH,
    )
    yield Alert(
        name="ScmCsrDataVeryStale",
        severity="critical",
        hold=5 * MINUTE,
        when=f"the last good poll of an account is more than {t.very_stale_polls:g} poll intervals ago, or the "
        "inventory series have ended (`stale_after`)",
        expr=f"""
            {age}
            > {t.very_stale_polls:g} * {interval}
            or
            (
              {age}
              unless {highest("scm_csr_listed")}
            )
        """,
        summary=f"{ACCOUNT} has not been seen for {AGE}",
        description=f"The last good poll of account {ACCOUNT} was {AGE} ago; it is polled every {INTERVAL}. Past "
        f"stale_after the inventory series end, and no alert can speak of its CSRs.{recent_failures(t)}",
        dashboard=HEALTH,
    )
    failures = listing(
        f"sort_desc(max by (reason) (csr_exporter_poll_failures_total{{{OF_ACCOUNT}}}) > 0)",
        "reason",
        'printf "%.0f"',
        "Failed polls:",
    )
    yield Alert(
        name="ScmCsrNeverSucceeded",
        severity="critical",
        hold=15 * MINUTE,
        when="no poll of an account has succeeded since the exporter started",
        expr=f"""
            {highest("scm_csr_up")} == 0
            unless {highest("csr_exporter_last_success_timestamp_seconds")}
        """,
        summary=f"{ACCOUNT} has never been read",
        description=f"No poll of account {ACCOUNT} has succeeded since the exporter started; of its CSRs nothing is "
        f"known.{failures}",
        dashboard=HEALTH,
    )


def _records(t: Thresholds) -> Iterator[Alert]:
    yield Alert(
        name="ScmCsrSeriesCapped",
        severity="info",
        hold=15 * MINUTE,
        when="an account has more CSRs than may have series of their own (`per_csr.max_series`)",
        expr=f"""
            {highest("csr_exporter_series_dropped")} > 0
        """,
        summary=f"{COUNT} CSRs of {ACCOUNT} have no series of their own",
        description=f"Account {ACCOUNT} holds {held()} CSRs; the newest {COUNT} have no series of their own because of "
        "per_csr.max_series. Counts and ages per algorithm include them.",
        dashboard=HEALTH,
    )
    window = t.window(t.torn_window)
    torn = f"increase(csr_exporter_torn_walks_total[{window}])"
    polls = f"increase(csr_exporter_polls_total[{window}])"
    yield Alert(
        name="ScmCsrTornWalks",
        severity="info",
        hold=30 * MINUTE,
        when=f"in {duration(t.torn_window)} the list changed more than {t.torn:g} times while it was read, and in more "
        f"than {t.torn_share:.0%} of the polls",
        expr=f"""
            {highest(torn)} > {t.torn:g}
            and
            {highest(f"{torn} / {polls}")} > {t.torn_share:g}
        """,
        summary=f"The list of {ACCOUNT} keeps changing while it is read",
        description=f"The CSR list of account {ACCOUNT} changed {COUNT} times in {duration(t.torn_window)} while it "
        "was read. A walk is tried twice and then published as incomplete.",
        dashboard=HEALTH,
    )
    yield Alert(
        name="ScmCsrRecordsRejected",
        severity="info",
        hold=90 * MINUTE,
        when="records of replies are dropped, or lose a field, again and again",
        expr=f"""
            {highest(f"increase(csr_exporter_records_rejected_total[{t.window(t.rejected_window)}])")} > 0
        """,
        summary=f"Records of {ACCOUNT} are rejected: {{{{ $labels.reason }}}}",
        description=f"In {duration(t.rejected_window)} the exporter rejected {COUNT} records of account {ACCOUNT}, or "
        "fields of them, as {{ $labels.reason }}; a bad record counts each time it is read.",
        dashboard=HEALTH,
    )
