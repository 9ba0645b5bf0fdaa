"""What is known, as text: Prometheus 0.0.4, or OpenMetrics 1.0 for those who ask for it; compressed likewise.

A scrape costs little because almost all of its text stands from one poll to the next. The definitions in
`csr_exporter.metrics` are applied to one account at a time, and what comes out is kept as bytes, a part for each
family, for as long as the frozen value lives that it was made from: the lines of a snapshot until the next good poll,
those of a status until the next event (`account`). Only ages move; of such a family the text is kept with its values
left open, and a scrape fills them in with one operation (`lines`). Beyond that a scrape strings parts together, those
of all accounts in the first family, in the second, and so on, under headers that are the client library's (`whole`).
Of large parts the compressed form is kept too (`pieces`). Nothing is locked: parts depend on nothing but frozen
values, so two scrapes that meet can at worst both make the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import Metric

from csr_exporter.exposition.forms import OPENMETRICS, TEXT, Form
from csr_exporter.exposition.negotiation import accepts_gzip, preferred_form
from csr_exporter.exposition.pieces import gzipped, joined
from csr_exporter.exposition.whole import exposition, prepare

__all__ = [
    "OPENMETRICS",
    "TEXT",
    "Form",
    "accepts_gzip",
    "exposition",
    "gzipped",
    "joined",
    "preferred_form",
    "prepare",
    "render",
]


def render(families: Iterable[Metric], accept: str) -> tuple[bytes, str]:
    """The exposition of *families*, made anew, in the format that the header *accept* prefers; its content type."""
    form = preferred_form(accept)
    return form.write(families), form.content_type
