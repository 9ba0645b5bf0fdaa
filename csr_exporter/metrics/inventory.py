"""What the service holds, in numbers that name no single CSR."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.core import GaugeHistogramMetricFamily
from prometheus_client.utils import floatToGoString

from csr_exporter.inventory import CreationTimes, Snapshot
from csr_exporter.metrics.family import AgeFamily, Family, ages, gauge

ALGORITHM = "private_key_algo"


def inventory_families(account: str, snapshot: Snapshot, age_buckets: Sequence[float]) -> Iterator[Family]:
    """Counts and ages."""
    inventory, summary = snapshot.inventory, snapshot.summary
    text = (
        "CSRs by private_key_algo, exact even where not every CSR could be listed (totals of filtered queries). "
        "'unknown': no algorithm given, or not explained by any query. Adds up to scm_csr_reported."
    )
    yield gauge("scm_csrs", text, account, summary.by_algorithm, ALGORITHM)
    text = "CSRs according to the service (API field total)."
    yield gauge("scm_csr_reported", text, account, inventory.reported)
    yield gauge("scm_csr_listed", "Distinct CSRs read (by API field id).", account, len(inventory.csrs))
    text = "1 if every reported CSR was read and the list did not change meanwhile, else 0."
    yield gauge("scm_csr_inventory_complete", text, account, inventory.complete)
    text = "Listed CSRs by API field usage."
    yield gauge("scm_csrs_by_usage", text, account, summary.by_usage, "usage")
    yield from _ages(account, summary.creation_times)
    yield _age_distribution(account, summary.creation_times, age_buckets)
    text = "Distinct domain names covered by listed CSRs (API fields domain_name and sans), ignoring case."
    yield gauge("scm_csr_domains", text, account, summary.domains)
    text = "Domain names that are the domain_name of more than one listed CSR, ignoring case."
    yield gauge("scm_csr_duplicate_domains", text, account, summary.duplicate_domains)
    text = "Distinct domain names that start with '*.' (API fields domain_name and sans), ignoring case."
    yield gauge("scm_csr_wildcard_domains", text, account, summary.wildcard_domains)


def _ages(account: str, creation_times: Mapping[str, CreationTimes]) -> Iterator[Family]:
    for which, place in (("oldest", 0), ("newest", -1)):
        times = {algorithm: each.ascending[place] for algorithm, each in creation_times.items()}
        text = f"When the {which} listed CSR was created (API field create_time), in Unix seconds."
        yield gauge(f"scm_csr_{which}_create_timestamp_seconds", text, account, times, ALGORITHM)
        text = f"Age of the {which} listed CSR when scraped, from API field create_time, rounded to seconds."
        yield ages(gauge(f"scm_csr_{which}_age_seconds", text, account, times, ALGORITHM))


def _age_distribution(account: str, creation_times: Mapping[str, CreationTimes], buckets: Sequence[float]) -> AgeFamily:
    text = "Listed CSRs by age when scraped, from API field create_time."
    family = GaugeHistogramMetricFamily("scm_csr_age_distribution_seconds", text, labels=["account", ALGORITHM])
    empty = [(bound, 0.0) for bound in (*map(floatToGoString, buckets), "+Inf")]
    for algorithm in creation_times:
        family.add_metric([account, algorithm], empty, gsum_value=0.0)

    def values(now: float) -> Sequence[int]:
        found: list[int] = []
        for times in creation_times.values():
            count = len(times.ascending)
            found += (*times.distribution(buckets, now), count, count, round(times.sum_of_ages(now)))
        return found

    return AgeFamily(family, values)
