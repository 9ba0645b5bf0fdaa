"""Cases of the alerts about the way to the service."""

from __future__ import annotations

from deploy.prometheus.cases.case import JOB, ONE, TWO, Case, Kind, Trial, firing, series

HEALTH = "/d/scm-csr-exporter?var-account=production"
FAILURES = "csr_exporter_poll_failures_total"


def _kind(alert: str, severity: str) -> Kind:
    return Kind(alert, severity, "access", HEALTH)


def _refused(alert: str, reason: str, summary: str, what: str) -> Case:
    return Case(
        kind=_kind(alert, "warning"),
        fires=15,
        over=46,
        series=(
            series("scm_csr_up", "1x4 0x40 1x40"),
            series(FAILURES, "0x4 1x4 2x4 3x4 4x80", reason=reason),
            series(FAILURES, "0x90", reason="internal"),
        ),
        # Refused once and then not; and failing, but for another reason.
        below=(
            series("scm_csr_up", "1x4 0x9 1x80"),
            series(FAILURES, "0x4 1x90", reason=reason),
            series("scm_csr_up", "0x90", account="other"),
            series(FAILURES, "0x90", reason=reason, account="other"),
            series(FAILURES, "0+1x90", reason="internal", account="other"),
        ),
        firing=firing(summary, f"Polls of account production that failed as {reason} in the last 30m: 3. {what}"),
    )


UNAUTHORIZED = _refused(
    "ScmCsrUnauthorized",
    "unauthorized",
    "The service refuses the credentials of production",
    "The key, password or token is wrong, expired, locked or of another site, or the clock is off. To protect the "
    "credentials from being locked, the exporter waits 5m (15m for a password) before it tries again, unless they "
    "change.",
)

FORBIDDEN = _refused(
    "ScmCsrForbidden",
    "forbidden",
    "The credentials of production may not list CSRs",
    "They are valid but lack the action scm::listCsr, or their scope is another one.",
)

UNAVAILABLE = _refused(
    "ScmCsrCredentialsUnavailable",
    "credentials_unavailable",
    "There are no credentials for production",
    "The file, variable, agency or profile that they come from is missing, empty or not readable. No request is sent.",
)

THROTTLED = _refused(
    "ScmCsrPollsThrottled",
    "throttled",
    "Polls of production fail because the service throttles them",
    "Someone asks too often: this exporter, another of its replicas, or other users of the account's API quota.",
)

ONE_OF_TWO = Trial(
    "one of two replicas is refused",
    UNAUTHORIZED.kind,
    (
        series("scm_csr_up", "1x4 0x40", account="production", job=JOB, instance=ONE),
        series(FAILURES, "0x4 1x4 2x4 3x40", reason="unauthorized", account="production", job=JOB, instance=ONE),
        series("scm_csr_up", "1x50", account="production", job=JOB, instance=TWO),
        series(FAILURES, "0x50", reason="unauthorized", account="production", job=JOB, instance=TWO),
    ),
    {
        14: (),
        15: (firing(UNAUTHORIZED.firing.summary, UNAUTHORIZED.firing.description, account="production", job=JOB),),
    },
)

MOVED = Trial(
    "an account that moved to another shard leaves nothing behind",
    UNAUTHORIZED.kind,
    (
        series("scm_csr_up", "1x4 0x5 stale", account="production", job=JOB, instance=ONE),
        series(FAILURES, "0x4 1x5 stale", reason="unauthorized", account="production", job=JOB, instance=ONE),
        series("scm_csr_up", "_x11 1x50", account="production", job=JOB, instance=TWO),
        series(FAILURES, "_x11 0x50", reason="unauthorized", account="production", job=JOB, instance=TWO),
    ),
    {15: (), 30: ()},
)

EXPIRING = Case(
    kind=_kind("ScmCsrCredentialExpiring", "warning"),
    fires=161,
    over=171,
    series=(
        # A token for three hours, and a poll each minute that should have renewed it in the last one.
        series("csr_exporter_credential_expiry_timestamp_seconds", "10800x169 97200x40"),
        series("csr_exporter_last_poll_timestamp_seconds", "0+60x200"),
    ),
    # No poll since it had 31 minutes left; and a token that lives less than two hours.
    below=(
        series("csr_exporter_credential_expiry_timestamp_seconds", "10800x200"),
        series("csr_exporter_last_poll_timestamp_seconds", "0+60x149 8940x50"),
        series("csr_exporter_credential_expiry_timestamp_seconds", "3000x99 11000x100", account="other"),
        series("csr_exporter_last_poll_timestamp_seconds", "0+60x200", account="other"),
    ),
    firing=firing(
        "The token of production is not renewed and ends in 19m 0s",
        "The token or temporary key of account production ends in 19m 0s. Polls should have renewed it by now; once it "
        "has ended they fail.",
    ),
)

API_THROTTLED = Case(
    kind=_kind("ScmCsrApiThrottled", "info"),
    fires=46,
    over=80,
    series=(
        series("csr_exporter_api_requests_total", "0+0.797x100", service="scm", code="200"),
        series("csr_exporter_api_requests_total", "0+0.1x100", service="iam", code="201"),
        series("csr_exporter_api_requests_total", "0+0.103x60 6.2x40", service="scm", code="429"),
    ),
    below=(
        series("csr_exporter_api_requests_total", "0+0.901x100", service="scm", code="200"),
        series("csr_exporter_api_requests_total", "0+0.099x100", service="scm", code="429"),
    ),
    firing=firing(
        "10.3% of the requests for production are throttled",
        "The service answers 10.3% of the requests for account production with status 429. Polls outlast that by "
        "asking again, up to three times.",
    ),
)

NO_REQUESTS = Trial(
    "no requests, no share of them",
    API_THROTTLED.kind,
    (
        series("csr_exporter_api_requests_total", "9x100", service="scm", code="429", account="production", job=JOB),
        series("csr_exporter_api_requests_total", "9x100", service="scm", code="200", account="production", job=JOB),
    ),
    {90: ()},
)

UNRELIABLE = Case(
    kind=_kind("ScmCsrPollsUnreliable", "info"),
    fires=192,
    over=262,
    series=(
        series(FAILURES, "0+0.042x200 8.5x120", reason="timeout"),
        series("csr_exporter_polls_total", "0+0.2x320"),
    ),
    # Nine of a hundred; three of few; and many, but in an outage that is over.
    below=(
        series(FAILURES, "0+0.018x320", reason="timeout"),
        series("csr_exporter_polls_total", "0+0.2x320"),
        series(FAILURES, "0x4 1x4 2x4 3x310", reason="timeout", account="other"),
        series("csr_exporter_polls_total", "0+0.2x320", account="other"),
        series(FAILURES, "0+0.2x60 12.1x260", reason="timeout", account="recovered"),
        series("csr_exporter_polls_total", "0+0.2x320", account="recovered"),
    ),
    firing=firing(
        "21% of the polls of production fail",
        "In the last 6h, 21% of the polls of account production failed. Failed polls of the last 30m: timeout (1).",
    ),
)

FAILING = Case(
    kind=_kind("ScmCsrPollsFailing", "warning"),
    fires=11,
    over=26,
    series=(
        series(FAILURES, "0+0.35x20 7.1x60", reason="server_error"),
        series(FAILURES, "0+0.17x20 3.5x60", reason="timeout"),
        series("csr_exporter_polls_total", "0+1x80"),
    ),
    # Not quite half of them; and all of them, but for a reason with an alert of its own.
    below=(
        series(FAILURES, "0+0.49x80", reason="server_error"),
        series("csr_exporter_polls_total", "0+1x80"),
        *(
            series(FAILURES, "0+1x80", reason=reason, account=f"other-{reason}")
            for reason in ("unauthorized", "forbidden", "credentials_unavailable", "throttled")
        ),
        *(
            series("csr_exporter_polls_total", "0+1x80", account=f"other-{reason}")
            for reason in ("unauthorized", "forbidden", "credentials_unavailable", "throttled")
        ),
    ),
    firing=firing(
        "52% of the polls of production fail",
        "In the last 30m, 52% of the polls of account production failed. Failed polls of the last 30m: server_error "
        "(4), timeout (2).",
    ),
)

ACCESS = (
    UNAUTHORIZED,
    ONE_OF_TWO,
    MOVED,
    FORBIDDEN,
    UNAVAILABLE,
    EXPIRING,
    API_THROTTLED,
    NO_REQUESTS,
    THROTTLED,
    UNRELIABLE,
    FAILING,
)
