"""All families of the accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import Metric

from csr_exporter.inventory import Inventory, Snapshot
from csr_exporter.metrics.family import Family, as_of
from csr_exporter.metrics.inventory import inventory_families
from csr_exporter.metrics.per_csr import Exposed, csr_families
from csr_exporter.metrics.policy import policy_families
from csr_exporter.metrics.status import status_families
from csr_exporter.status import Account, Status

_NOTHING = Snapshot(Inventory(csrs=(), reported=None, by_algorithm={}, complete=False))


def families(statuses: Sequence[Status], exposed: Exposed, now: float) -> Iterable[Metric]:
    """All families of *statuses* as of *now*.

    For example::

        scm_csrs{account="production",private_key_algo="EC_P256"} 12.0
        csr_exporter_poll_failures_total{account="production",reason="timeout"} 0.0
    """
    found = {family.name: family for family in empty_families(exposed)}
    for status in statuses:
        for family in _of_account(status, status.current(now), exposed):
            metric = as_of(family, now)
            found[metric.name].samples += metric.samples
    return found.values()


def empty_families(exposed: Exposed) -> Iterator[Metric]:
    """Every family that an account can have, in order, without samples."""
    for family in _of_account(Status(Account("")), _NOTHING, exposed):
        metric = as_of(family, 0.0)
        yield Metric(metric.name, metric.documentation, metric.type)


def _of_account(status: Status, snapshot: Snapshot | None, exposed: Exposed) -> Iterator[Family]:
    if snapshot:
        yield from inventory_families(status.account.name, snapshot, exposed.age_buckets)
        yield from csr_families(status.account.name, snapshot, exposed)
        yield from policy_families(status.account.name, snapshot, exposed)
    yield from status_families(status, exposed)
