"""The page as HTML: facts, words and charts put together by templates that lay out and decide nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from csr_exporter.inventory import OTHER, UNKNOWN
from csr_exporter.page import charts
from csr_exporter.page.facts import Band, Completeness, Held, Overview
from csr_exporter.page.facts_json import moment as machine_moment
from csr_exporter.page.words import Language, day, moment

_FOLDER = Path(__file__).parent / "templates"

PROJECT = "https://github.com/csr-exporter/csr-exporter/tree/main"
"""Where the documentation is."""

STYLE = (_FOLDER / "page.css").read_text(encoding="utf-8")
STYLE_HASH = hashlib.sha256(STYLE.encode()).hexdigest()[:12]
"""Part of the address of the style, so that a browser may keep it and yet has none of another version."""

_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_TEMPLATES.filters["number"] = "{:,}".format
_TEMPLATES.globals |= {
    "strip": charts.strip,
    "moment": moment,
    "day": day,
    "machine": machine_moment,
    "project": PROJECT,
    "style_hash": STYLE_HASH,
}


def render(facts: Overview, language: Language, version: str, *, narrowed: bool = False) -> str:
    """The page that says *facts* in *language*; *narrowed* to the accounts that were asked for, or of all."""
    template = _TEMPLATES.get_template("page.html")
    return template.render(
        facts=facts,
        now=facts.now,
        language=language,
        say=language.say,
        algorithms=lambda counts: algorithm_bars(counts, language),
        ages=lambda bands: age_bars(bands, language),
        read=lambda held: read(held, language),
        version=version,
        narrowed=narrowed,
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a chart: what is counted, how much of it, and how long the bar is, in per cent of the longest."""

    label: str
    number: int
    width: float
    shade: int = 0


def algorithm_bars(counts: Mapping[str, int], language: Language) -> list[Bar]:
    """A bar for each algorithm, in the order of *counts*."""
    labels = {UNKNOWN: language.say("algorithm.unknown"), OTHER: language.say("algorithm.other")}
    each = zip(counts.items(), charts.widths(counts.values()), strict=True)
    return [Bar(labels.get(name, name), number, width) for (name, number), width in each]


SHADES = 5
"""How many shades there are for age; the oldest has the strongest."""


def age_bars(bands: Iterable[Band], language: Language) -> list[Bar]:
    """A bar for each band of age, the youngest first."""
    each = tuple(bands)
    last = max(1, len([band for band in each if band.above is not None]) - 1)
    widths = charts.widths(band.number for band in each)
    return [
        Bar(
            band_label(band, language),
            band.number,
            width,
            0 if band.above is None else 1 + (SHADES - 1) * position // last,
        )
        for position, (band, width) in enumerate(zip(each, widths, strict=True))
    ]


def band_label(band: Band, language: Language) -> str:
    """Such as ``30 d to 90 d``."""
    if band.above is None:
        return language.say("band.unknown")
    above = language.bound(band.above)
    if band.upto is None:
        return language.say("band.last", above=above)
    upto = language.bound(band.upto)
    return language.say("band.between", above=above, upto=upto) if band.above else language.say("band.first", upto=upto)


def read(held: Held, language: Language) -> str:
    """How much of an inventory was read, what is missing and why."""
    match held.completeness:
        case Completeness(gap=None):
            return language.say("complete.all", listed=held.listed)
        case Completeness(gap=gap, missing=missing) if missing:
            why = language.say(f"gap.{gap}")
            return language.say("complete.missing", missing=missing, reported=held.reported, why=why)
        case Completeness(gap=gap):
            return language.say("complete.unsure", listed=held.listed, why=language.say(f"gap.{gap}"))
