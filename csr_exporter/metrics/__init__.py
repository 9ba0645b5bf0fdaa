"""Metric families for what is known: a status in, families out. No clock, no I/O, no memory.

Every family is there at every scrape, with whatever samples it has; a value that is not known has no sample.
"""

from csr_exporter.metrics.each_csr import Exposed
from csr_exporter.metrics.families import families, of_snapshots, of_statuses
from csr_exporter.metrics.known import exporter_families
from csr_exporter.metrics.shape import Family, Moving

__all__ = ["Exposed", "Family", "Moving", "exporter_families", "families", "of_snapshots", "of_statuses"]
