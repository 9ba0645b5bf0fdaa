"""Alerts about what the service holds: keys that are too old, too weak, too many, or suddenly gone."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.utils import floatToGoString

from deploy.prometheus.alert import INVENTORY, OVERVIEW, Alert, Severity
from deploy.prometheus.promql import (
    ACCOUNT,
    AGE,
    COUNT,
    HOUR,
    MINUTE,
    OF_ACCOUNT,
    REPLICA_LABELS,
    SHARE,
    duration,
    held,
    highest,
    listing,
    lowest,
    number,
)
from deploy.prometheus.thresholds import DOCUMENTED_ALGORITHMS, Thresholds

NOT_AN_ALGORITHM = ("other", "unknown")
"""Values of the label that stand for something else; see docs/metrics.md."""


def hygiene(t: Thresholds) -> Iterator[Alert]:
    """The alerts of this concern."""
    yield _old("ScmCsrKeyOld", "info", t.old_after)
    yield _old("ScmCsrKeyVeryOld", "warning", t.very_old_after)
    yield from _algorithms(t)
    yield _growth("ScmCsrUnexpectedGrowth", "info", t.growth, t.growth_window, t)
    yield _growth("ScmCsrGrowthBurst", "warning", t.burst, t.burst_window, t)
    yield _removal(t)
    yield from _limit(t)
    yield Alert(
        name="ScmCsrDuplicateDomains",
        severity="info",
        hold=6 * HOUR,
        when=f"more than {t.duplicates:g} primary domains, and more than {t.duplicates_share:.0%} of all names, "
        "have several CSRs",
        expr=f"""
            {highest("scm_csr_duplicate_domains")} > {t.duplicates:g}
            and
            {highest("scm_csr_duplicate_domains")} / {highest("scm_csr_domains")} > {t.duplicates_share:g}
        """,
        summary=f"{COUNT} domains of {ACCOUNT} have more than one CSR",
        description=f"Account {ACCOUNT} has {COUNT} primary domains with several CSRs, each with a private key of its "
        f"own, among {number(f'max(scm_csr_domains{{{OF_ACCOUNT}}})', '?')} names that its CSRs cover. Renewals seem "
        "to leave the old CSRs behind.",
        dashboard=INVENTORY,
    )


def _old(name: str, severity: Severity, after: float) -> Alert:
    age = duration(after)
    distribution = "scm_csr_age_distribution_seconds"
    (bound,) = map(floatToGoString, (after,))  # as the exporter writes it
    all_of_them = highest(f"{distribution}_gcount{{{OF_ACCOUNT}}}")
    younger = highest(f'{distribution}_bucket{{{OF_ACCOUNT},le="{bound}"}}')
    older = f"sum({all_of_them}) - sum({younger})"
    created = lowest(f"scm_csr_create_timestamp_seconds{{{OF_ACCOUNT}}}")
    oldest = f"sort_desc(topk(3, time() - {created}))"
    return Alert(
        name=name,
        severity=severity,
        hold=HOUR,
        when=f"the oldest CSR of an account is older than {age}",
        expr=f"""
            time()
            - min without ({REPLICA_LABELS}, private_key_algo) (scm_csr_oldest_create_timestamp_seconds)
            > {after:.0f}
        """,
        summary=f"The oldest CSR of {ACCOUNT} is {AGE} old",
        description=f"The service has kept the private key of that CSR for as long. CSRs of account {ACCOUNT} older "
        f"than {age}: {number(older, 'not counted, age_buckets lack that age')}."
        f"{listing(oldest, 'name', 'humanizeDuration', 'The oldest are')} Delete those that no certificate needs, and "
        "use a new CSR for each renewal.",
        dashboard=INVENTORY,
    )


def _algorithms(t: Thresholds) -> Iterator[Alert]:
    disallowed = "|".join((*t.allowed_algorithms, *NOT_AN_ALGORITHM))
    undocumented = "|".join(dict.fromkeys((*DOCUMENTED_ALGORITHMS, *t.allowed_algorithms)))
    algorithm = "{{ $labels.private_key_algo }}"
    yield Alert(
        name="ScmCsrDisallowedAlgorithm",
        severity="warning",
        hold=15 * MINUTE,
        when="an account holds keys of an algorithm that is not on the allow-list",
        expr=f"""
            {highest(f'scm_csrs{{private_key_algo!~"{disallowed}"}}')} > 0
        """,
        summary=f"{ACCOUNT} holds CSRs with keys of {algorithm}",
        description=f"Account {ACCOUNT} holds {COUNT} CSRs with keys of {algorithm}. Allowed are "
        f"{', '.join(t.allowed_algorithms)}.",
        dashboard=INVENTORY,
    )
    yield Alert(
        name="ScmCsrUndocumentedAlgorithm",
        severity="info",
        hold=15 * MINUTE,
        when="an account holds keys of an algorithm that neither the reference of the API nor the allow-list names",
        expr=f"""
            {highest(f'scm_csrs{{private_key_algo!~"{undocumented}"}}')} > 0
        """,
        summary=f"{ACCOUNT} holds CSRs of the undocumented algorithm {algorithm}",
        description=f"Account {ACCOUNT} holds {COUNT} CSRs whose private_key_algo is {algorithm}, which the reference "
        "of the API does not name. ('unknown' are those without one and those that no query explains, 'other' gathers "
        "what lies past the first 20 such values.)",
        dashboard=INVENTORY,
    )


def _growth(name: str, severity: Severity, least: float, window: float, t: Thresholds) -> Alert:
    ago = duration(window)
    return Alert(
        name=name,
        severity=severity,
        hold=10 * MINUTE,
        when=f"an account has more than {least:g} CSRs more than {ago} ago",
        expr=f"""
            {highest("scm_csr_reported")}
            - {highest(f"scm_csr_reported offset {t.window(window)}")}
            > {least:g}
        """,
        summary=f"{ACCOUNT} has {COUNT} CSRs more than {ago} ago",
        description=f"Account {ACCOUNT} holds {held()} CSRs, {COUNT} more than {ago} ago; up to {least:g} are "
        "expected. Automation may be out of control, or someone may be making keys.",
        dashboard=OVERVIEW,
    )


def _removal(t: Thresholds) -> Alert:
    """The lowest count of replicas tells, for one whose polls fail shows the last that it has read."""
    ago = duration(t.burst_window)
    before, now = lowest(f"scm_csr_reported offset {t.window(t.burst_window)}"), lowest("scm_csr_reported")
    left = number(f"min(scm_csr_reported{{{OF_ACCOUNT}}})", "an unknown number of")
    return Alert(
        name="ScmCsrMassRemoval",
        severity="warning",
        hold=10 * MINUTE,
        when=f"an account has more than {t.removed_many:g} CSRs fewer than {ago} ago, or more than {t.removed_few:g} "
        f"fewer if they are {t.removed_share:.0%}",
        expr=f"""
            {before} - {now} > {t.removed_many:g}
            or
            (
              {before} - {now} > {t.removed_few:g}
              and
              {now} / {before} < {1 - t.removed_share:g}
            )
        """,
        summary=f"{ACCOUNT} has {COUNT} CSRs fewer than {ago} ago",
        description=f"Account {ACCOUNT} holds {left} CSRs, {COUNT} fewer than {ago} ago. The private key of a "
        "deleted CSR is gone with it: a certificate still to be issued is of no use unless the key was exported.",
        dashboard=OVERVIEW,
    )


def _limit(t: Thresholds) -> Iterator[Alert]:
    reported, limit = highest("scm_csr_reported"), highest("scm_csr_limit")
    configured = number(f"max(scm_csr_limit{{{OF_ACCOUNT}}})", "?")
    yield Alert(
        name="ScmCsrLimitNearing",
        severity="warning",
        hold=30 * MINUTE,
        when=f"an account holds more than {t.limit_near:.0%} of its configured `limit`",
        expr=f"""
            {reported} / {limit} > {t.limit_near:g}
        """,
        summary=f"{ACCOUNT} has used {SHARE} of its limit of CSRs",
        description=f"Account {ACCOUNT} holds {held()} CSRs; its limit is {configured}.",
        dashboard=OVERVIEW,
    )
    yield Alert(
        name="ScmCsrLimitReached",
        severity="warning",
        hold=10 * MINUTE,
        when="an account holds as many CSRs as its configured `limit`, or more",
        expr=f"""
            {reported} / {limit} >= 1
        """,
        summary=f"{ACCOUNT} has reached its limit of CSRs",
        description=f"Account {ACCOUNT} holds {held()} CSRs; its limit is {configured}. If the limit is the service's "
        "quota, no further CSR can be created.",
        dashboard=OVERVIEW,
    )
    ahead = duration(t.forecast_ahead)
    history = t.window(t.forecast_window * 5 / 7)
    yield Alert(
        name="ScmCsrLimitExhausting",
        severity="info",
        hold=HOUR,
        when=f"the trend of {duration(t.forecast_window)} reaches the configured `limit` within {ahead}, and "
        f"{t.forecast_from:.0%} of it are used",
        expr=f"""
            predict_linear(account:scm_csr_reported:max[{t.window(t.forecast_window)}], {t.seconds(t.forecast_ahead)})
            > {limit}
            and account:scm_csr_reported:max offset {history}
            and {reported} / {limit} > {t.forecast_from:g}
        """,
        summary=f"{ACCOUNT} will reach its limit of CSRs within {ahead}",
        description=f"Account {ACCOUNT} holds {held()} CSRs and, if it goes on as in the last "
        f"{duration(t.forecast_window)}, {COUNT} in {ahead}; its limit is {configured}.",
        dashboard=OVERVIEW,
    )
