"""The series of single CSRs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

from csr_exporter.inventory import UNKNOWN, Csr, Snapshot
from csr_exporter.metrics.family import Family, ages
from csr_exporter.policy import NO_POLICY, Policy, judged
from csr_exporter.text import LONGEST

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Exposed:
    """Which metrics an inventory gets. Buckets are in seconds."""

    age_buckets: tuple[float, ...] = tuple(days * DAY for days in (7, 30, 47, 100, 200, 365, 398, 730))
    per_csr: bool = True
    max_series: int = 20_000
    labels: tuple[str, ...] = ("name", "domain_name", "private_key_algo", "usage")
    policy: Policy = field(default=NO_POLICY, hash=False)  # to hash it would take longer than a small scrape


INFO_LABELS: dict[str, Callable[[Csr], str]] = {
    "name": attrgetter("name"),
    "domain_name": attrgetter("domain"),
    "private_key_algo": lambda csr: csr.algorithm or UNKNOWN,
    "usage": lambda csr: csr.usage or UNKNOWN,
    "sans": lambda csr: ";".join(csr.sans)[:LONGEST],
    "company_name": attrgetter("company_name"),
    "company_country": attrgetter("company_country"),
    "company_province": attrgetter("company_province"),
    "company_city": attrgetter("company_city"),
}
"""The labels of ``scm_csr_info`` to choose from; it always has ``account`` and ``id``."""


@dataclass(frozen=True, slots=True)
class CsrGauge:
    """A gauge with a sample for each CSR, with the labels ``account``, ``id`` and ``name``.

    Its values are those of *value*, or the ages that follow from them.
    """

    name: str
    text: str
    value: Callable[[Csr], float | None]
    is_age: bool = False


CSR_GAUGES = (
    CsrGauge(
        "scm_csr_create_timestamp_seconds",
        "When the CSR was created (API field create_time), in Unix seconds.",
        attrgetter("created_at"),
    ),
    CsrGauge(
        "scm_csr_update_timestamp_seconds",
        "When the CSR was last renamed (API field update_time), in Unix seconds.",
        attrgetter("updated_at"),
    ),
    CsrGauge(
        "scm_csr_age_seconds",
        "Age of the CSR when scraped, from API field create_time, rounded to seconds.",
        attrgetter("created_at"),
        is_age=True,
    ),
    CsrGauge(
        "scm_csr_sans",
        "Number of additional domain names of the CSR (API field sans).",
        lambda csr: len(csr.sans),
    ),
)


def csr_families(account: str, snapshot: Snapshot, exposed: Exposed) -> Iterator[Family]:
    """Families with a sample for each CSR. `csr_exporter.exposition` writes them without making samples."""
    chosen = with_series(snapshot.inventory.csrs, exposed)
    labels = info_labels(account, snapshot, exposed)
    info = InfoMetricFamily("scm_csr", "What the service says of a CSR; always 1.", labels=["account", "id"])
    for csr in chosen:
        info.add_metric([account, csr.id], {label: text(csr) for label, text in labels.items()})
    yield info
    for each in CSR_GAUGES:
        gauge = GaugeMetricFamily(each.name, each.text, labels=["account", "id", "name"])
        for csr in chosen:
            if (value := each.value(csr)) is not None:
                gauge.add_metric([account, csr.id, csr.name], value)
        yield ages(gauge) if each.is_age else gauge


def info_labels(account: str, snapshot: Snapshot, exposed: Exposed) -> Mapping[str, Callable[[Csr], str]]:
    """The labels of ``scm_csr_info`` besides ``account`` and ``id``."""
    labels = {label: INFO_LABELS[label] for label in exposed.labels}
    if exposed.policy.owners:
        owners = judged(account, snapshot, exposed.policy).owners
        labels["owner"] = lambda csr: owners[csr.id]
    return labels


def with_series(csrs: Sequence[Csr], exposed: Exposed) -> Sequence[Csr]:
    """The CSRs that get series of their own: past the limit the oldest, those of unknown age last."""
    if not exposed.per_csr:
        return ()
    if len(csrs) <= exposed.max_series:
        return csrs
    oldest_first = sorted(csrs, key=lambda csr: (csr.created_at is None, csr.created_at or 0.0, csr.id))
    return oldest_first[: exposed.max_series]


def dropped(snapshot: Snapshot | None, exposed: Exposed) -> int:
    """How many CSRs get no series of their own because of the limit."""
    listed = len(snapshot.inventory.csrs) if snapshot and exposed.per_csr else 0
    return max(0, listed - exposed.max_series)
