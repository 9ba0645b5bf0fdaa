"""Alerts about the way to the service: credentials, permission, quota of requests, errors.

They look at each replica by itself, for one that is refused is worth knowing even while another is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from deploy.prometheus.alert import HEALTH, Alert
from deploy.prometheus.promql import ACCOUNT, AGE, COUNT, HOUR, MINUTE, REPLICA_LABELS, SHARE, duration, lowest
from deploy.prometheus.thresholds import Thresholds
from deploy.prometheus.trust import recent_failures

EXPIRY = "csr_exporter_credential_expiry_timestamp_seconds"

OWN_ALERT = ("unauthorized", "forbidden", "credentials_unavailable", "throttled")
"""Reasons that have an alert of their own."""


def access(t: Thresholds) -> Iterator[Alert]:
    """The alerts of this concern."""
    yield _refused(
        t,
        "ScmCsrUnauthorized",
        "unauthorized",
        "The service refuses the credentials of {account}",
        "The key, password or token is wrong, expired, locked or of another site, or the clock is off. To protect the "
        "credentials from being locked, the exporter waits 5m (15m for a password) before it tries again, unless they "
        "change.",
    )
    yield _refused(
        t,
        "ScmCsrForbidden",
        "forbidden",
        "The credentials of {account} may not list CSRs",
        "They are valid but lack the action scm::listCsr, or their scope is another one.",
    )
    yield _refused(
        t,
        "ScmCsrCredentialsUnavailable",
        "credentials_unavailable",
        "There are no credentials for {account}",
        "The file, variable, agency or profile that they come from is missing, empty or not readable. No request is "
        "sent.",
    )
    left = lowest(f"{EXPIRY} - csr_exporter_last_poll_timestamp_seconds")
    yield Alert(
        name="ScmCsrCredentialExpiring",
        severity="warning",
        hold=10 * MINUTE,
        when=f"a token or temporary key had less than {duration(t.credential_left)} left at the last poll, which did "
        f"not renew it (those that live less than {duration(t.credential_unchanged)} are left out)",
        expr=f"""
            {lowest(EXPIRY)} - time()
            and
            {left} < {t.seconds(t.credential_left)}
            and
            {lowest(EXPIRY)}
            == {lowest(f"{EXPIRY} offset {t.window(t.credential_unchanged)}")}
        """,
        summary=f"The token of {ACCOUNT} is not renewed and ends in {AGE}",
        description=f"The token or temporary key of account {ACCOUNT} ends in {AGE}. Polls should have renewed it by "
        "now; once it has ended they fail.",
        dashboard=HEALTH,
    )
    yield from _throttling(t)
    yield from _errors(t)


def _refused(t: Thresholds, name: str, reason: str, summary: str, what: str) -> Alert:
    """The last poll failed, and lately polls failed for *reason*."""
    failures = f'increase(csr_exporter_poll_failures_total{{reason="{reason}"}}[{t.window(t.refused_window)}])'
    return Alert(
        name=name,
        severity="warning",
        hold=10 * MINUTE,
        when=f"the last poll failed, and of those in {duration(t.refused_window)} some as `{reason}`",
        expr=f"""
            max without ({REPLICA_LABELS}, reason) (
              {failures}
              and ignoring (reason) (scm_csr_up == 0)
            ) > 0
        """,
        summary=summary.format(account=ACCOUNT),
        description=f"Polls of account {ACCOUNT} that failed as {reason} in the last {duration(t.refused_window)}: "
        f"{COUNT}. {what}",
        dashboard=HEALTH,
    )


def _throttling(t: Thresholds) -> Iterator[Alert]:
    window = t.window(t.throttled_window)
    yield Alert(
        name="ScmCsrApiThrottled",
        severity="info",
        hold=45 * MINUTE,
        when=f"more than {t.throttled_share:.0%} of the requests are answered 429",
        expr=f"""
            max without ({REPLICA_LABELS}) (
              sum without (service, code) (rate(csr_exporter_api_requests_total{{code="429"}}[{window}]))
              / sum without (service, code) (rate(csr_exporter_api_requests_total[{window}]))
            ) > {t.throttled_share:g}
        """,
        summary=f"{SHARE} of the requests for {ACCOUNT} are throttled",
        description=f"The service answers {SHARE} of the requests for account {ACCOUNT} with status 429. Polls outlast "
        "that by asking again, up to three times.",
        dashboard=HEALTH,
    )
    yield _refused(
        t,
        "ScmCsrPollsThrottled",
        "throttled",
        "Polls of {account} fail because the service throttles them",
        "Someone asks too often: this exporter, another of its replicas, or other users of the account's API quota.",
    )


def _errors(t: Thresholds) -> Iterator[Alert]:
    yield Alert(
        name="ScmCsrPollsUnreliable",
        severity="info",
        hold=2 * HOUR,
        when=f"in {duration(t.unreliable_window)} more than {t.unreliable_share:.0%} of the polls failed, and more "
        f"than {t.unreliable:g}, the last within {duration(t.unreliable_recent)}, for reasons without an alert of "
        "their own",
        expr=f"""
            max without ({REPLICA_LABELS}) (
              {_failed(t.window(t.unreliable_window))}
              / increase(csr_exporter_polls_total[{t.window(t.unreliable_window)}])
            ) > {t.unreliable_share:g}
            and
            max without ({REPLICA_LABELS}) (
              {_failed(t.window(t.unreliable_window))}
            ) > {t.unreliable:g}
            and
            max without ({REPLICA_LABELS}) (
              {_failed(t.window(t.unreliable_recent))}
            ) > 0
        """,
        summary=f"{SHARE} of the polls of {ACCOUNT} fail",
        description=f"In the last {duration(t.unreliable_window)}, {SHARE} of the polls of account {ACCOUNT} failed."
        f"{recent_failures(t)}",
        dashboard=HEALTH,
    )
    yield Alert(
        name="ScmCsrPollsFailing",
        severity="warning",
        hold=10 * MINUTE,
        when=f"in {duration(t.failing_window)} more than {t.failing_share:.0%} of the polls failed, for reasons "
        "without an alert of their own",
        expr=f"""
            max without ({REPLICA_LABELS}) (
              {_failed(t.window(t.failing_window))}
              / increase(csr_exporter_polls_total[{t.window(t.failing_window)}])
            ) > {t.failing_share:g}
        """,
        summary=f"{SHARE} of the polls of {ACCOUNT} fail",
        description=f"In the last {duration(t.failing_window)}, {SHARE} of the polls of account {ACCOUNT} failed."
        f"{recent_failures(t)}",
        dashboard=HEALTH,
    )


def _failed(window: str) -> str:
    reasons = "|".join(OWN_ALERT)
    others = f'csr_exporter_poll_failures_total{{reason!~"{reasons}"}}'
    return f"sum without (reason) (increase({others}[{window}]))"
