"""All families of the accounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from prometheus_client.core import Metric

from csr_exporter.inventory import Snapshot
from csr_exporter.metrics.each_csr import Exposed, csr_families, dropped
from csr_exporter.metrics.held import inventory_families
from csr_exporter.metrics.known import status_families
from csr_exporter.metrics.shape import Family, Named, gauge
from csr_exporter.status import Status


def families(statuses: Sequence[Status], exposed: Exposed, now: float) -> Iterator[Metric]:
    """All families of *statuses* as of *now*.

    For example::

        scm_csrs{account="production",private_key_algo="EC_P256"} 12.0
        csr_exporter_poll_failures_total{account="production",reason="timeout"} 0.0
    """
    named = [(status.account.name, status) for status in statuses]
    snapshots = [(name, snapshot) for name, status in named if (snapshot := status.current(now))]
    for family in chain(of_snapshots(snapshots, exposed), of_statuses(named, exposed)):
        yield family if isinstance(family, Metric) else family.as_of(now)


def of_snapshots(snapshots: Sequence[Named[Snapshot]], exposed: Exposed) -> Iterator[Family]:
    """The families that depend on what was read, of snapshots that are not stale."""
    yield from inventory_families(snapshots, exposed.age_buckets)
    yield from csr_families(snapshots, exposed)


def of_statuses(statuses: Sequence[Named[Status]], exposed: Exposed) -> Iterator[Metric]:
    """The families that stay as long as the account is configured."""
    yield from status_families(statuses)
    yield gauge(
        "csr_exporter_series_dropped",
        "CSRs without series of their own because of max_series.",
        statuses,
        lambda status: dropped(status.snapshot, exposed),
    )
