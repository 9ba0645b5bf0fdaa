"""Metric families: a status in, families out. No clock, no I/O, no memory.

Every family is part of every scrape, with or without samples; a value that is not known has no sample.
"""

from csr_exporter.metrics.families import empty_families, families, snapshot_families
from csr_exporter.metrics.family import AgeFamily, Family
from csr_exporter.metrics.per_csr import Exposed
from csr_exporter.metrics.status import exporter_families, status_families

__all__ = [
    "AgeFamily",
    "Exposed",
    "Family",
    "empty_families",
    "exporter_families",
    "families",
    "snapshot_families",
    "status_families",
]
