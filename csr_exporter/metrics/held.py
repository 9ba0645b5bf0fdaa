"""What the service holds, in numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeHistogramMetricFamily, GaugeMetricFamily
from prometheus_client.utils import floatToGoString

from csr_exporter.inventory import CreationTimes, Snapshot
from csr_exporter.metrics.shape import Family, Moving, Named, aging, gauge, labelled


def inventory_families(snapshots: Sequence[Named[Snapshot]], age_buckets: Sequence[float]) -> Iterator[Family]:
    """Families that count, without naming a single CSR."""
    yield from _counts(snapshots)
    yield from _ages(snapshots, age_buckets)
    yield from _domains(snapshots)


def _counts(snapshots: Sequence[Named[Snapshot]]) -> Iterator[Family]:
    yield _by_algorithm(
        "scm_csrs",
        "CSRs per private_key_algo, exact even where not all could be listed: totals of filtered queries. "
        "'unknown' are those without one or that no query explains. Adds up to scm_csr_reported.",
        snapshots,
        lambda snapshot: snapshot.summary.by_algorithm.items(),
    )
    yield gauge(
        "scm_csr_reported", "CSRs as the service counts them, field total.", snapshots, lambda s: s.inventory.reported
    )
    yield gauge(
        "scm_csr_listed", "Distinct CSRs that were read, by field id.", snapshots, lambda s: len(s.inventory.csrs)
    )
    yield gauge(
        "scm_csr_inventory_complete",
        "1 if every CSR reported was read while the list did not change, else 0.",
        snapshots,
        lambda s: s.inventory.complete,
    )
    yield labelled(
        GaugeMetricFamily("scm_csrs_by_usage", "Listed CSRs per field usage.", labels=["account", "usage"]),
        snapshots,
        lambda snapshot: snapshot.summary.by_usage.items(),
    )


def _domains(snapshots: Sequence[Named[Snapshot]]) -> Iterator[Family]:
    yield gauge(
        "scm_csr_domains",
        "Distinct domain names that listed CSRs cover, fields domain_name and sans, case folded.",
        snapshots,
        lambda s: s.summary.domains,
    )
    yield gauge(
        "scm_csr_duplicate_domains",
        "Values of field domain_name that more than one listed CSR has.",
        snapshots,
        lambda s: s.summary.duplicate_domains,
    )
    yield gauge(
        "scm_csr_wildcard_domains",
        "Distinct domain names that start with '*.', fields domain_name and sans.",
        snapshots,
        lambda s: s.summary.wildcard_domains,
    )


def _ages(snapshots: Sequence[Named[Snapshot]], age_buckets: Sequence[float]) -> Iterator[Family]:
    for word, which in (("oldest", 0), ("newest", -1)):
        yield _by_algorithm(
            f"scm_csr_{word}_create_timestamp_seconds",
            f"When the {word} listed CSR was created, field create_time, in Unix seconds.",
            snapshots,
            _extreme(which),
        )
        yield aging(
            _by_algorithm(
                f"scm_csr_{word}_age_seconds",
                f"Age of the {word} listed CSR at the time of the scrape, to the second, from field create_time.",
                snapshots,
                _extreme(which),
            )
        )
    yield _age_distribution(snapshots, age_buckets)


def _extreme(which: int) -> Callable[[Snapshot], Iterator[tuple[str, float]]]:
    return lambda snapshot: ((name, t.ascending[which]) for name, t in snapshot.summary.creation_times.items())


def _age_distribution(snapshots: Sequence[Named[Snapshot]], buckets: Sequence[float]) -> Moving:
    family = GaugeHistogramMetricFamily(
        "scm_csr_age_distribution_seconds",
        "Listed CSRs by their age at the time of the scrape, from field create_time.",
        labels=["account", "private_key_algo"],
    )
    empty = [(bound, 0.0) for bound in (*map(floatToGoString, buckets), "+Inf")]
    each = [(account, *item) for account, snapshot in snapshots for item in snapshot.summary.creation_times.items()]
    for account, name, _ in each:
        family.add_metric([account, name], empty, gsum_value=0.0)
    return Moving(family, _distributions([times for *_, times in each], buckets))


def _distributions(each: Sequence[CreationTimes], buckets: Sequence[float]) -> Callable[[float], Sequence[int]]:
    """Counts per bucket, the number of CSRs and the sum of their ages, for each in turn."""

    def values(now: float) -> Sequence[int]:
        found: list[int] = []
        for times in each:
            count = len(times.ascending)
            found += (*times.distribution(buckets, now), count, count, round(times.sum_of_ages(now)))
        return found

    return values


def _by_algorithm(
    name: str,
    text: str,
    snapshots: Iterable[Named[Snapshot]],
    values: Callable[[Snapshot], Iterable[tuple[str, float]]],
) -> GaugeMetricFamily | CounterMetricFamily:
    return labelled(GaugeMetricFamily(name, text, labels=["account", "private_key_algo"]), snapshots, values)
