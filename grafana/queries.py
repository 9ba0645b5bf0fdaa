"""PromQL that all dashboards share: which series, and one value where several replicas report the same.

What the service *holds* is told by every replica, so it is the largest (or least) of them before anything is added
up. What the exporters *did*, such as requests sent, adds up over replicas.
"""

from __future__ import annotations

REPLICAS = "instance, pod, node"
"""Labels in which replicas of one deployment differ; cluster, namespace and job tell deployments apart."""

EXPORTERS = 'job=~"$job", instance=~"$instance"'
ACCOUNTS = f'{EXPORTERS}, account=~"$account"'

DAY = 86_400
YEAR = 365 * DAY

UP_TO_ONE_YEAR = 'le=~"3[.]1536e[+]0?7|31536000([.]0)?"'
UP_TO_TWO_YEARS = 'le=~"6[.]3072e[+]0?7|63072000([.]0)?"'
ALL_AGES = 'le="+Inf"'

DOCUMENTED = 'private_key_algo=~"RSA_2048|RSA_3072|RSA_4096|EC_P256|EC_P384|SM2"'

_TOLD = "name, domain_name, private_key_algo, usage"


def series(metric: str, *matchers: str) -> str:
    """*metric* of the accounts chosen at the top of the dashboard."""
    return f"{metric}{{{', '.join((ACCOUNTS, *matchers))}}}"


def exporter(metric: str) -> str:
    """*metric* of the exporters chosen at the top of the dashboard; it has no account."""
    return f"{metric}{{{EXPORTERS}}}"


def held(metric: str, *matchers: str) -> str:
    """What the service holds, counted once however many replicas report it."""
    return f"max without ({REPLICAS}) ({series(metric, *matchers)})"


def least(metric: str, *matchers: str) -> str:
    """As `held`, but the lowest value of the replicas: for completeness."""
    return f"min without ({REPLICAS}) ({series(metric, *matchers)})"


def total(vector: str, *by: str) -> str:
    """The sum of *vector* by the labels *by*."""
    return f"sum{_by(by)} ({vector})"


def noticed(metric: str, window: str = "$__rate_interval") -> str:
    """The increase of a counter of changes in the inventory, which every replica notices."""
    return f"max without ({REPLICAS}) (increase({series(metric)}[{window}]))"


def done(metric: str, *matchers: str, window: str = "$__rate_interval", by: tuple[str, ...] = ()) -> str:
    """The increase of a counter of what exporters did, added up over replicas."""
    return f"sum{_by(by)} (increase({series(metric, *matchers)}[{window}]))"


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(labels)})" if labels else ""


# --- ages -------------------------------------------------------------------------------------------------------------


def older_than(bucket: str, *by: str) -> str:
    """How many CSRs are older than the age that *bucket* ends at; absent where no such bucket is configured.

    Where nothing is held there are no buckets, and none is older.
    """
    everything, younger = (
        total(held("scm_csr_age_distribution_seconds_bucket", which), *by) for which in (ALL_AGES, bucket)
    )
    return f"{everything} - {younger} or {total(held('scm_csr_reported'), *by)} == 0"


def days(seconds: str) -> str:
    """An age in days, the usual unit for the lifetime of a key."""
    return f"({seconds}) / {DAY}"


def data_age(*by: str) -> str:
    """Seconds since the last successful poll, of whichever replica was last."""
    return f"time() - max by ({', '.join(by)}) ({series('csr_exporter_last_success_timestamp_seconds')})"


DATA_AGE_IN_INTERVALS = (
    f"({data_age('job', 'account')}) / max by (job, account) ({series('csr_exporter_poll_interval_seconds')})"
)

SUCCEEDED = f"max by (job, account) ({series('csr_exporter_last_success_timestamp_seconds')})"
NEVER = f"-1 * (count(max by (job, account) ({series('scm_csr_up')}) unless on (job, account) {SUCCEEDED}) > bool 0)"
"""-1 if any account was never polled successfully since its exporters started, else absent."""

# --- trust ------------------------------------------------------------------------------------------------------------

FRESH = (
    f"time() - {held('csr_exporter_last_success_timestamp_seconds')} < 3 * {held('csr_exporter_poll_interval_seconds')}"
)
CONFIGURED = 'max by (job) (csr_exporter_configured_accounts{job=~"$job"})'
POLLED = 'count by (job) (count by (job, account) (csr_exporter_poll_interval_seconds{job=~"$job"}))'
MISSING = f"(sum({CONFIGURED} - ({POLLED} or {CONFIGURED} * 0) > 0) or vector(0))"
"""Accounts that are configured and that nobody polls, of whole jobs: no instance and no account can tell of them."""
UNTRUSTED_ACCOUNTS = (
    f"count({held('scm_csr_up')}) - (count("
    f"({held('scm_csr_up')} == 1) and ({least('scm_csr_inventory_complete')} == 1) and ({FRESH})"
    f") or vector(0)) + {MISSING}"
)
STATE = (
    f"max by (job, account) ({series('scm_csr_up')})"
    f" or max by (job, account) (last_over_time({series('scm_csr_up')}[1d])) * 0 - 1"
)
"""1 for an account whose last poll succeeded, 0 if it failed, -1 if it was polled within a day and is not any more."""


def share(part: str, whole: str) -> str:
    """*part* of *whole*, rounded down to a thousandth: 5499 of 5500 is not 100 %."""
    return f"floor(1000 * ({part}) / ({whole})) / 1000"


def coverage(*by: str) -> str:
    """The share of the reported CSRs that were read; 1 if there are none."""
    reported = total(held("scm_csr_reported"), *by)
    return f"{share(total(held('scm_csr_listed'), *by), f'{reported} > 0')} or ({reported} == bool 0)"


# --- single CSRs ------------------------------------------------------------------------------------------------------

CREATED = f"max by (account, id) ({series('scm_csr_create_timestamp_seconds')})"
AGE = f"max by (account, id) ({series('scm_csr_age_seconds')})"
SANS = f"max by (account, id) ({series('scm_csr_sans')})"


def described(info: str) -> str:
    """One series for each CSR with its labels, even while replicas disagree about a new name."""
    return f"topk by (account, id) (1, max by (account, id, {_TOLD}) ({info}))"


def told(value: str, who: str) -> str:
    """*value* of each CSR in *who*, with the labels in *who*; -1 if it is unknown."""
    return f"{value} * on (account, id) group_left ({_TOLD}) ({who}) or on (account, id) ({who}) * -1"
