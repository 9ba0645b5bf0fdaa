"""All families of the accounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import Metric

from csr_exporter.metrics.each_csr import Exposed, csr_families, dropped
from csr_exporter.metrics.held import inventory_families
from csr_exporter.metrics.known import status_families
from csr_exporter.metrics.shape import gauge
from csr_exporter.status import Status


def families(statuses: Sequence[Status], exposed: Exposed, now: float) -> Iterator[Metric]:
    """All families of *statuses* as of *now*.

    For example::

        scm_csrs{account="production",private_key_algo="EC_P256"} 12.0
        csr_exporter_poll_failures_total{account="production",reason="timeout"} 0.0
    """
    named = [(status.account.name, status) for status in statuses]
    snapshots = [(name, snapshot) for name, status in named if (snapshot := status.current(now))]
    yield from inventory_families(snapshots, exposed.age_buckets, now)
    yield from csr_families(snapshots, exposed, now)
    yield from status_families(named)
    yield gauge(
        "csr_exporter_series_dropped",
        "CSRs without series of their own because of max_series.",
        named,
        lambda status: dropped(status.current(now), exposed),
    )
