"""The series that each CSR has of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.samples import Sample

from csr_exporter.inventory import UNKNOWN, Csr, Snapshot
from csr_exporter.metrics.shape import Family, Named, aging
from csr_exporter.text import LONGEST

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Exposed:
    """What of an inventory is exposed, and how. Buckets are in seconds."""

    age_buckets: tuple[float, ...] = (7 * DAY, 30 * DAY, 90 * DAY, 180 * DAY, 365 * DAY, 398 * DAY, 730 * DAY)
    per_csr: bool = True
    max_series: int = 20_000
    labels: tuple[str, ...] = ("name", "domain_name", "private_key_algo", "usage")


_INFO: dict[str, Callable[[Csr], str]] = {
    "name": lambda csr: csr.name,
    "domain_name": lambda csr: csr.domain,
    "private_key_algo": lambda csr: csr.algorithm or UNKNOWN,
    "usage": lambda csr: csr.usage or UNKNOWN,
    "sans": lambda csr: ";".join(csr.sans)[:LONGEST],
    "company_name": lambda csr: csr.company_name,
    "company_country": lambda csr: csr.company_country,
    "company_province": lambda csr: csr.company_province,
    "company_city": lambda csr: csr.company_city,
}


def csr_families(snapshots: Sequence[Named[Snapshot]], exposed: Exposed) -> Iterator[Family]:
    """Families with a sample for each CSR."""
    kept = [(account, csr) for account, snapshot in snapshots for csr in with_series(snapshot.inventory.csrs, exposed)]
    yield _info(kept, exposed.labels)
    series = [(csr, {"account": account, "id": csr.id, "name": csr.name}) for account, csr in kept]
    created = "When the CSR was created, field create_time, in Unix seconds."
    yield _gauge("create_timestamp_seconds", created, series, lambda csr: csr.created_at)
    updated = "When the CSR was last renamed, field update_time, in Unix seconds."
    yield _gauge("update_timestamp_seconds", updated, series, lambda csr: csr.updated_at)
    age = "Age of the CSR at the time of the scrape, to the second, from field create_time."
    yield aging(_gauge("age_seconds", age, series, lambda csr: csr.created_at))
    yield _gauge("sans", "Additional domain names of the CSR, field sans.", series, lambda csr: len(csr.sans))


def _info(kept: Sequence[Named[Csr]], labels: Sequence[str]) -> InfoMetricFamily:
    text = "A CSR with what the service says of it; always 1."
    family = InfoMetricFamily("scm_csr", text, labels=["account", "id"])
    for account, csr in kept:
        family.add_metric([account, csr.id], {label: _INFO[label](csr) for label in labels})
    return family


def _gauge(
    name: str, text: str, series: Sequence[tuple[Csr, dict[str, str]]], value: Callable[[Csr], float | None]
) -> GaugeMetricFamily:
    """A gauge with the labels in *series*, which the families share rather than have a copy for each sample."""
    family = GaugeMetricFamily(f"scm_csr_{name}", text)
    family.samples = [Sample(family.name, labels, known) for csr, labels in series if (known := value(csr)) is not None]
    return family


def with_series(csrs: Sequence[Csr], exposed: Exposed) -> Sequence[Csr]:
    """Those that get series of their own: if there are too many, the oldest, before those of unknown age."""
    if not exposed.per_csr:
        return ()
    if len(csrs) <= exposed.max_series:
        return csrs
    oldest_first = sorted(csrs, key=lambda csr: (csr.created_at is None, csr.created_at or 0.0, csr.id))
    return oldest_first[: exposed.max_series]


def dropped(snapshot: Snapshot | None, exposed: Exposed) -> int:
    """How many CSRs get no series of their own because there are too many."""
    listed = len(snapshot.inventory.csrs) if snapshot and exposed.per_csr else 0
    return max(0, listed - exposed.max_series)
