"""The pages: from statuses and changes to facts, from facts to charts and translated texts, from those to HTML."""

from csr_exporter.page.change_table import ROWS as CHANGE_ROWS
from csr_exporter.page.change_table import change_table
from csr_exporter.page.csr_table import Found, Selection, Sort, csr_table, find
from csr_exporter.page.exports import as_csv, change_fields, csr_csv, csr_fields, csr_json
from csr_exporter.page.facts import overview
from csr_exporter.page.rendering import STYLE, render, render_changes, render_csrs
from csr_exporter.page.status_json import iso8601, status_json
from csr_exporter.page.translations import Language, preferred_language
from csr_exporter.page.view import View

__all__ = [
    "CHANGE_ROWS",
    "STYLE",
    "Found",
    "Language",
    "Selection",
    "Sort",
    "View",
    "as_csv",
    "change_fields",
    "change_table",
    "csr_csv",
    "csr_fields",
    "csr_json",
    "csr_table",
    "find",
    "iso8601",
    "overview",
    "preferred_language",
    "render",
    "render_changes",
    "render_csrs",
    "status_json",
]
