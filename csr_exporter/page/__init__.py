"""The status page: from statuses to facts, from facts to charts and translated texts, from those to HTML."""

from csr_exporter.page.facts import overview
from csr_exporter.page.rendering import STYLE, render
from csr_exporter.page.status_json import status_json
from csr_exporter.page.translations import preferred_language
from csr_exporter.page.view import View

__all__ = ["STYLE", "View", "overview", "preferred_language", "render", "status_json"]
