"""Metric families: a status in, families out. No clock, no I/O, no memory.

Every family is part of every scrape, with or without samples; a value that is not known has no sample.
"""

from csr_exporter.metrics.families import empty_families, families
from csr_exporter.metrics.family import AgeFamily, Family, StepFamily, ages_of
from csr_exporter.metrics.inventory import inventory_families
from csr_exporter.metrics.per_csr import CSR_GAUGES, INFO_LABELS, Exposed, info_labels, with_series
from csr_exporter.metrics.policy import policy_families
from csr_exporter.metrics.status import exporter_families, status_families

__all__ = [
    "CSR_GAUGES",
    "INFO_LABELS",
    "AgeFamily",
    "Exposed",
    "Family",
    "StepFamily",
    "ages_of",
    "empty_families",
    "exporter_families",
    "families",
    "info_labels",
    "inventory_families",
    "policy_families",
    "status_families",
    "with_series",
]
