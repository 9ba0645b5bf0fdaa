"""The series of single CSRs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.samples import Sample

from csr_exporter.inventory import UNKNOWN, Csr, Snapshot
from csr_exporter.metrics.family import Family, ages
from csr_exporter.text import LONGEST

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Exposed:
    """Which metrics an inventory gets. Buckets are in seconds."""

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


def csr_families(account: str, csrs: Sequence[Csr], exposed: Exposed) -> Iterator[Family]:
    """Families with a sample for each CSR."""
    chosen = with_series(csrs, exposed)
    yield _info(account, chosen, exposed.labels)
    # The families share the labels: a copy for each sample would take several times the memory.
    labels = [{"account": account, "id": csr.id, "name": csr.name} for csr in chosen]

    def gauge(name: str, text: str, values: Sequence[float | None]) -> GaugeMetricFamily:
        family = GaugeMetricFamily(name, text)
        of_csrs = zip(labels, values, strict=True)
        family.samples = [Sample(name, each, value) for each, value in of_csrs if value is not None]
        return family

    created, updated = [csr.created_at for csr in chosen], [csr.updated_at for csr in chosen]
    text = "When the CSR was created (API field create_time), in Unix seconds."
    yield gauge("scm_csr_create_timestamp_seconds", text, created)
    text = "When the CSR was last renamed (API field update_time), in Unix seconds."
    yield gauge("scm_csr_update_timestamp_seconds", text, updated)
    text = "Age of the CSR when scraped, from API field create_time, rounded to seconds."
    yield ages(gauge("scm_csr_age_seconds", text, created))
    text = "Number of additional domain names of the CSR (API field sans)."
    yield gauge("scm_csr_sans", text, [len(csr.sans) for csr in chosen])


def _info(account: str, csrs: Sequence[Csr], labels: Sequence[str]) -> InfoMetricFamily:
    family = InfoMetricFamily("scm_csr", "What the service says of a CSR; always 1.", labels=["account", "id"])
    for csr in csrs:
        family.add_metric([account, csr.id], {label: _INFO[label](csr) for label in labels})
    return family


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
