"""Statuses as text, in Prometheus' format 0.0.4 or OpenMetrics 1.0, plain or compressed.

A scrape is cheap because most of its text does not change between polls. The families of `csr_exporter.metrics` are
rendered for one account at a time and cached for as long as the frozen value lives that they come from: a snapshot
lasts until the next good poll, a status until the next event. Only ages change with every scrape; their lines are
cached with gaps for the values (`lines`). A scrape fills the gaps and joins the accounts' lines, family by family,
beneath headers written by the client library (`rendering`). Long texts are cached in compressed form too
(`compression`). Nothing is locked: at worst, two scrapes that meet both render the same.
"""

from csr_exporter.exposition.compression import gzipped, joined
from csr_exporter.exposition.formats import OPENMETRICS, TEXT, Format, accepts_gzip, preferred_format
from csr_exporter.exposition.rendering import exposition, prepare

__all__ = [
    "OPENMETRICS",
    "TEXT",
    "Format",
    "accepts_gzip",
    "exposition",
    "gzipped",
    "joined",
    "preferred_format",
    "prepare",
]
