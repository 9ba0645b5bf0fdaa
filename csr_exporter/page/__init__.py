"""The status page: from statuses to facts, from facts to words and pictures, from those to HTML."""

from csr_exporter.page.facts import overview
from csr_exporter.page.rendering import STYLE, render
from csr_exporter.page.words import language

__all__ = ["STYLE", "language", "overview", "render"]
