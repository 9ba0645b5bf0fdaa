"""The page as HTML: templates lay out facts, translations and charts, and decide nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from csr_exporter.inventory import OTHER, UNKNOWN, ChangeKind, Inventory
from csr_exporter.page.change_table import ChangeTable
from csr_exporter.page.charts import Bar, bars, strip
from csr_exporter.page.csr_table import CsrTable, Sort
from csr_exporter.page.facts import Band, Flaw, Overview, State, gap
from csr_exporter.page.status_json import iso8601
from csr_exporter.page.translations import Language, day, moment
from csr_exporter.page.view import View

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent / "templates"

PROJECT = "https://github.com/csr-exporter/csr-exporter/tree/main"
"""Where the documentation is."""

STYLE = (_FOLDER / "page.css").read_text(encoding="utf-8")
STYLE_HASH = hashlib.sha256(STYLE.encode()).hexdigest()[:12]
"""Part of the stylesheet's address, so that browsers may cache it and still never use that of another version."""

EVERYTHING = View()


@cache
def _templates() -> Environment:
    """Made when the first page is asked for; many exporters never are."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - 2 MiB

    templates = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["number"] = "{:,}".format
    templates.globals |= {
        "strip": strip,
        "moment": moment,
        "day": day,
        "iso8601": iso8601,
        "project": PROJECT,
        "style_hash": STYLE_HASH,
        "badges": (*State, *Flaw),
    }
    return templates


def render(facts: Overview, language: Language, version: str, view: View = EVERYTHING) -> str:
    """The page that shows *facts* in *language*, which are those that *view* asks for."""
    return _rendered(
        "page.html",
        language,
        version,
        facts=facts,
        now=facts.now,
        algorithms=lambda counts: algorithm_bars(counts, language),
        ages=lambda bands: age_bars(bands, language),
        coverage=lambda inventory: coverage(inventory, language),
        view=view,
    )


def render_csrs(table: CsrTable, language: Language, version: str) -> str:
    """The page of *table* in *language*."""
    return _rendered("csrs.html", language, version, table=table, now=table.now, sorts=tuple(Sort))


def render_changes(table: ChangeTable, language: Language, version: str) -> str:
    """The page of *table* in *language*."""
    return _rendered("changes.html", language, version, table=table, now=table.now, kinds=tuple(ChangeKind))


def _rendered(template: str, language: Language, version: str, **values: object) -> str:
    page = _templates().get_template(template)
    return page.render(language=language, t=language.translate, version=version, **values)


def algorithm_bars(counts: Mapping[str, int], language: Language) -> list[Bar]:
    """A bar for each algorithm, in the order of *counts*."""
    labels = {UNKNOWN: language.translate("algorithm.unknown"), OTHER: language.translate("algorithm.other")}
    return bars((labels.get(name, name), number, 0) for name, number in counts.items())


SHADES = 5
"""How many shades there are for age; the oldest has the strongest."""


def age_bars(bands: Iterable[Band], language: Language) -> list[Bar]:
    """A bar for each band of age, the youngest first."""
    each = tuple(bands)
    last = max(1, sum(band.above is not None for band in each) - 1)
    return bars(
        (band_label(band, language), band.number, 0 if band.above is None else 1 + (SHADES - 1) * place // last)
        for place, band in enumerate(each)
    )


def band_label(band: Band, language: Language) -> str:
    """Such as ``30 d - 90 d``."""
    if band.above is None:
        return language.translate("band.unknown")
    above = language.bound(band.above)
    if band.upto is None:
        return language.translate("band.last", above=above)
    return language.translate(
        "band.between" if band.above else "band.first", above=above, upto=language.bound(band.upto)
    )


def coverage(inventory: Inventory, language: Language) -> str:
    """How much of *inventory* was read, what is missing and why."""
    listed = len(inventory.csrs)
    if (reason := gap(inventory)) is None:
        return language.translate("complete.all", listed=listed)
    why = language.translate(f"gap.{reason}")
    if (missing := inventory.missing or 0) > 0:
        return language.translate("complete.missing", missing=missing, reported=inventory.reported, why=why)
    return language.translate("complete.unsure", listed=listed, why=why)
