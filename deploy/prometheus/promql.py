"""Words of PromQL and of alert templates that the rules have in common."""

from __future__ import annotations

from deploy.prometheus.open import Open

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

REPLICA_LABELS = "instance, pod"
"""Labels that tell replicas of one exporter apart. What speaks of an account must not have them, or two replicas
would alert twice; whatever else a target is labelled with, such as a cluster, stays."""

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def duration(seconds: float) -> str:
    """*seconds* as Prometheus writes them, to the millisecond: ``1h30m``."""
    if isinstance(seconds, Open):
        return seconds.span
    left = max(1, round(seconds * 1000))
    parts = []
    for unit, milliseconds in _UNITS:
        count, left = divmod(left, milliseconds)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def highest(series: str) -> str:
    """The highest value among replicas: for a state the best one, for a fault the worst."""
    return f"max without ({REPLICA_LABELS}) ({series})"


def lowest(series: str) -> str:
    """The lowest value among replicas."""
    return f"min without ({REPLICA_LABELS}) ({series})"


ACCOUNT = "{{ $labels.account }}"
COUNT = '{{ $value | printf "%.0f" }}'
AGE = "{{ $value | humanizeDuration }}"
SHARE = "{{ $value | humanizePercentage }}"

OF_ACCOUNT = "account=%q,job=%q"
OF_INSTANCE = "instance=%q,job=%q"
"""Matchers for what an alert is about, in the queries of its texts; a query uses one of them, as often as it likes."""


def _query(query: str) -> str:
    which = "instance" if OF_INSTANCE in query else "account"
    arguments = f" $labels.{which} $labels.job" * query.count("job=%q")
    return f"printf `{query}`{arguments} | query"


def number(query: str, otherwise: str, shape: str = 'printf "%.0f"') -> str:
    """Template for the one number that *query* gives, for an alert that has another number for its value."""
    return f"{{{{ with {_query(query)} }}}}{{{{ . | first | value | {shape} }}}}{{{{ else }}}}{otherwise}{{{{ end }}}}"


def held() -> str:
    """Template for the number of CSRs that the account holds now."""
    return number(f"max(scm_csr_reported{{{OF_ACCOUNT}}})", "an unknown number of")


def listing(query: str, label: str, shape: str, before: str) -> str:
    """Template for *before* and each result of *query* with its *label*, or nothing where there is no result."""
    each = f"{{{{ $each.Labels.{label} }}}} ({{{{ $each.Value | {shape} }}}})"
    items = f"{{{{ range $index, $each := . }}}}{{{{ if $index }}}}, {{{{ end }}}}{each}{{{{ end }}}}"
    return f"{{{{ with {_query(query)} }}}} {before} {items}.{{{{ end }}}}"
