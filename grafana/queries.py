"""PromQL that all dashboards share: which series, and one value where several replicas report the same.

What the service *holds* is told by every replica, so it is the largest (or least) of them before anything is added
up. What the exporters *did*, such as requests sent, adds up over replicas.
"""

from __future__ import annotations

from deploy.prometheus.rules import DEFAULTS

REPLICAS = ", ".join(DEFAULTS["replica_labels"])
"""Labels in which replicas of one exporter differ, the same as for the rules; all others tell exporters apart."""

ACCOUNT = ("job", "account")
"""What tells accounts apart: two jobs may each have a ``default``."""

CSR = "job, account, id"

EXPORTERS = 'job=~"$job", instance=~"$instance"'
ACCOUNTS = f'{EXPORTERS}, account=~"$account"'

DAY = 86_400
YEAR = 365 * DAY

ALL_AGES = 'le="+Inf"'

DOCUMENTED = 'private_key_algo=~"RSA_2048|RSA_3072|RSA_4096|EC_P256|EC_P384|SM2"'

_DESCRIPTION = "name, domain_name, private_key_algo, usage"


def series(metric: str, *matchers: str, account: str = "$account") -> str:
    """*metric* of the accounts chosen at the top of the dashboard, or of those in another variable."""
    among = ", ".join((EXPORTERS, f'account=~"{account}"', *matchers))
    return f"{metric}{{{among}}}"


def exporter(metric: str, *matchers: str) -> str:
    """*metric* of the exporters chosen at the top of the dashboard; it has no account."""
    return f"{metric}{{{', '.join((EXPORTERS, *matchers))}}}"


def held(metric: str, *matchers: str) -> str:
    """What the service holds, counted once however many replicas report it."""
    return f"max without ({REPLICAS}) ({series(metric, *matchers)})"


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

AGED = held("scm_csr_age_distribution_seconds_bucket", ALL_AGES)
"""CSRs of known age."""


def older_than(bucket: str, *by: str) -> str:
    """How many CSRs are older than the age that *bucket* ends at; absent where no such bucket is configured.

    Where nothing is held there are no buckets, and none is older.
    """
    younger = total(held("scm_csr_age_distribution_seconds_bucket", bucket), *by)
    return f"{total(AGED, *by)} - {younger} or {total(held('scm_csr_reported'), *by)} == 0"


def days(seconds: str) -> str:
    """An age in days, the usual unit for the lifetime of a key."""
    return f"({seconds}) / {DAY}"


def data_age() -> str:
    """Seconds since the last successful poll of each account, of whichever replica was last."""
    return f"time() - {SUCCEEDED}"


SUCCEEDED = f"max by (job, account) ({series('csr_exporter_last_success_timestamp_seconds')})"
INTERVAL = f"max by (job, account) ({series('csr_exporter_poll_interval_seconds')})"
DATA_AGE_IN_INTERVALS = f"({data_age()}) / {INTERVAL}"
UP = f"max by (job, account) ({series('scm_csr_up')})"
NEVER = f"-1 * (count({UP} unless on (job, account) {SUCCEEDED}) > bool 0)"
"""-1 if any account was never polled successfully since its exporters started, else absent."""

# --- trust ------------------------------------------------------------------------------------------------------------

CONFIGURED = 'max by (job) (csr_exporter_configured_accounts{job=~"$job"})'
POLLED = 'count by (job) (count by (job, account) (csr_exporter_poll_interval_seconds{job=~"$job"}))'
MISSING = f"(sum({CONFIGURED} - ({POLLED} or {CONFIGURED} * 0) > 0) or vector(0))"
"""Accounts that are configured and that nobody polls, of whole jobs: no instance and no account can tell of them."""

ACCOUNTS_IN_ALL = f"count({UP}) + {MISSING}"
REPORTED = total(held("scm_csr_reported"), *ACCOUNT)


def complete(offset: str = "") -> str:
    """The accounts whose inventory is complete."""
    return f"min by (job, account) ({series('scm_csr_inventory_complete')}{offset}) == 1"


NO_AGE = f"({REPORTED} - ({total(AGED, *ACCOUNT)} or {REPORTED} * 0))"
"""CSRs of unknown age in each account: those that could not be listed, and those without a date."""

AGES_KNOWN = f"({complete()}) and on (job, account) {NO_AGE} == 0"


def _without(accounts: str) -> str:
    """How many accounts are not among *accounts*."""
    return f"{ACCOUNTS_IN_ALL} - (count({accounts}) or vector(0))"


TRUSTED = f"({UP} == 1) and ({complete()}) and ({DATA_AGE_IN_INTERVALS} < 3)"
UNTRUSTED_ACCOUNTS = _without(TRUSTED)
AGES_UNKNOWN = _without(AGES_KNOWN)
"""Accounts of which not every CSR's age is known."""

EXACT = f"{TRUSTED} and ({AGES_KNOWN})"
INEXACT = _without(EXACT)
"""Accounts that may break more rules of a policy than is known."""

NOT_COUNTED = (
    f"((count({REPORTED}) or vector(0)) < {ACCOUNTS_IN_ALL})"
    f' * on () group_left (all) count_values("all", {ACCOUNTS_IN_ALL})'
)
"""How many accounts are counted, with the label ``all``; absent if that is all of them."""

STATE = f"{UP} or max by (job, account) (last_over_time({series('scm_csr_up')}[1d])) * 0 - 1"
"""1 for an account whose last poll succeeded, 0 if it failed, -1 if it was polled within a day and is not any more."""

LAST_KNOWN = f"sum(last_over_time(({REPORTED})[7d:1h]) unless {REPORTED})"
"""CSRs of accounts that have no current inventory, as last known; by the hour, which costs little for a week."""


def share(part: str, whole: str) -> str:
    """*part* of *whole*, rounded down to a thousandth: 5499 of 5500 is not 100 %."""
    return f"floor(1000 * ({part}) / ({whole})) / 1000"


def coverage(*by: str) -> str:
    """The share of the reported CSRs that were read; 1 if there are none."""
    reported = total(held("scm_csr_reported"), *by)
    return f"{share(total(held('scm_csr_listed'), *by), f'{reported} > 0')} or ({reported} == bool 0)"


# --- single CSRs ------------------------------------------------------------------------------------------------------

UNKNOWN_AGE = 10**12
"""Seconds; an age that no key has, so that CSRs without a date come first and no filter by age hides them."""


def described(info: str) -> str:
    """One series for each CSR with its labels, even while replicas disagree about a new name."""
    return f"topk by ({CSR}) (1, max by ({CSR}, {_DESCRIPTION}) ({info}))"


def told(value: str, who: str) -> str:
    """*value* of each CSR in *who*, with the labels in *who*."""
    return f"{value} * on ({CSR}) group_left ({_DESCRIPTION}) {who}"
