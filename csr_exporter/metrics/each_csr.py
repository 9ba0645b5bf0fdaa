"""The series that each CSR has of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from csr_exporter.inventory import UNKNOWN, Csr, Snapshot
from csr_exporter.metrics.shape import Named
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


def csr_families(snapshots: Sequence[Named[Snapshot]], exposed: Exposed, now: float) -> Iterator[Metric]:
    """Families with a sample for each CSR."""
    kept = [(account, csr) for account, snapshot in snapshots for csr in with_series(snapshot.inventory.csrs, exposed)]
    info = InfoMetricFamily("scm_csr", "A CSR with what the service says of it; always 1.", labels=["account", "id"])
    for account, csr in kept:
        info.add_metric([account, csr.id], {label: _INFO[label](csr) for label in exposed.labels})
    yield info
    for name, text, value in (
        ("create_timestamp_seconds", "When the CSR was created, field create_time, in Unix seconds.", _created_at),
        ("update_timestamp_seconds", "When the CSR was last renamed, field update_time, in Unix seconds.", _updated_at),
        ("age_seconds", "Age of the CSR at the time of the scrape, from field create_time.", _age(now)),
        ("sans", "Additional domain names of the CSR, field sans.", _number_of_sans),
    ):
        family = GaugeMetricFamily(f"scm_csr_{name}", text, labels=["account", "id", "name"])
        for account, csr in kept:
            if (known := value(csr)) is not None:
                family.add_metric([account, csr.id, csr.name], known)
        yield family


def with_series(csrs: Sequence[Csr], exposed: Exposed) -> Sequence[Csr]:
    """Those that get series of their own: if there are too many, the oldest, before those of unknown age."""
    if not exposed.per_csr:
        return ()
    if len(csrs) <= exposed.max_series:
        return csrs
    oldest_first = sorted(csrs, key=lambda csr: (csr.created_at is None, csr.created_at or 0.0, csr.id))
    return oldest_first[: exposed.max_series]


def _created_at(csr: Csr) -> float | None:
    return csr.created_at


def _updated_at(csr: Csr) -> float | None:
    return csr.updated_at


def _age(now: float) -> Callable[[Csr], float | None]:
    return lambda csr: None if csr.created_at is None else max(0.0, now - csr.created_at)


def _number_of_sans(csr: Csr) -> float:
    return len(csr.sans)


def dropped(snapshot: Snapshot | None, exposed: Exposed) -> int:
    """How many CSRs get no series of their own because there are too many."""
    listed = len(snapshot.inventory.csrs) if snapshot and exposed.per_csr else 0
    return max(0, listed - exposed.max_series)
