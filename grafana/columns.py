"""Columns that several tables have."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig

from grafana.panels import Column
from grafana.queries import DAY, UNKNOWN_AGE
from grafana.style import ALGORITHMS, BAD, COUNT, DAYS, GOOD, KEY_AGE, QUIET, WAIT, WARNING, absent, upward, words

ACCOUNT = "Account"

CARRIED = "${datasource:queryparam}&${job:queryparam}&${instance:queryparam}&${__url_time_range}"
"""What a link to another dashboard passes on."""


def link(dashboard: str, title: str, **variables: str) -> dict[str, str]:
    """A link to *dashboard* with further *variables*."""
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return {"title": title, "url": f"/d/{dashboard}?{CARRIED}{chosen}"}


def account(dashboard: str, title: str) -> Column:
    """The account, as wide as there is room, with a link to *dashboard*."""
    links = [link(dashboard, title, account="${__value.raw:percentencode}")]
    return Column("account", ACCOUNT, settings=(("links", links), ("custom.minWidth", 150)))


def exporter_link(field: str, title: str, says: str, width: int | None = None, **query: str) -> Column:
    """A cell that leads to the exporter's table of CSRs, filtered by other columns of its row."""
    filters = "&".join(f"{name}=${{__data.fields.{column}:percentencode}}" for name, column in query.items())
    links = [{"title": says, "url": f"${{exporter_url}}/csrs?{filters}", "targetBlank": True}]
    return Column(field, title, width, settings=(("links", links), ("custom.minWidth", 110)))


def state(field: str) -> Column:
    """Whether the last poll succeeded, in words; -1 is an account that nobody polls any more."""
    return worded(field, "State", {"1": ("up", GOOD), "0": ("failing", BAD), "-1": ("not polled", BAD)})


def worded(field: str, title: str, meanings: Mapping[str, tuple[str, str]]) -> Column:
    """A state in words, each on a ground of its colour."""
    settings = (("mappings", [words(meanings)]), _COLOURED_GROUND, ("custom.align", "center"))
    return Column(field, title, 80, settings=settings)


def exactness(field: str, title: str = "Ages") -> Column:
    """Whether all that it speaks of is known: else there may be more, or older ones."""
    mappings = [words({"1": ("exact", GOOD), "0": ("at least", WARNING)}), absent()]
    return Column(field, title, 80, settings=(("mappings", mappings), COLOURED_TEXT, ("custom.align", "left")))


def named(field: str, title: str) -> Column:
    """A name, which may be long."""
    return Column(field, title, settings=(("custom.minWidth", 110),))


def algorithm(width: int | None = 100) -> Column:
    """The key algorithm in its colour."""
    mappings = [words({name: (name, colour) for name, colour in ALGORITHMS.items()})]
    settings = (("mappings", mappings), ("color", {"mode": "fixed", "fixedColor": WARNING}), _COLOURED_GROUND)
    return Column("private_key_algo", "Algorithm", width, settings=settings)


def age(field: str, title: str, width: int | None = None) -> Column:
    """An age in days, in the colour for keys of that age."""
    mappings = [upward(UNKNOWN_AGE / DAY, "unknown", QUIET), absent()]
    settings = (("decimals", 0), ("thresholds", KEY_AGE.build()), ("mappings", mappings), COLOURED_TEXT)
    return Column(field, title, width, DAYS, settings)


def moment(field: str, title: str) -> Column:
    """A date, from milliseconds; -1 is unknown."""
    mappings = [words({"-1": ("unknown", QUIET)})]
    return Column(field, title, 140, "time:YYYY-MM-DD HH:mm", (("mappings", mappings),))


def shaded(field: str, title: str, unit: str, thresholds: ThresholdsConfig, *, decimals: int = 0) -> Column:
    """A number coloured by *thresholds*."""
    settings = (
        ("decimals", decimals),
        ("thresholds", thresholds.build()),
        ("mappings", [absent()]),
        COLOURED_TEXT,
    )
    return Column(field, title, None, unit, settings)


def waited(field: str, title: str) -> Column:
    """Seconds since the last success, for an account that may never have had one."""
    never = absent("never", BAD)
    settings = (("decimals", 0), ("thresholds", WAIT.build()), ("mappings", [never]), COLOURED_TEXT)
    return Column(field, title, None, "s", settings)


def bar(field: str, title: str, colour: str, unit: str = COUNT) -> Column:
    """A number with a bar."""
    settings = (
        ("min", 0),
        ("decimals", 0),
        ("color", {"mode": "fixed", "fixedColor": colour}),
        ("custom.cellOptions", {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}),
    )
    return Column(field, title, None, unit, settings)


COLOURED_TEXT = ("custom.cellOptions", {"type": "color-text"})
_COLOURED_GROUND = ("custom.cellOptions", {"type": "color-background", "mode": "basic"})
