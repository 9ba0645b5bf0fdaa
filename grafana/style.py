"""How things look: colours, thresholds and mappings that mean the same on every dashboard.

The colours are told apart with every common colour vision (after Paul Tol's schemes), on dark and on light ground.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import (
    DashboardRangeMapOptions,
    DashboardSpecialValueMapOptions,
    DynamicConfigValue,
    FieldColorModeId,
    RangeMap,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

GOOD = "#009988"
WARNING = "#E5702A"
BAD = "#DD4330"
CALM = "#3A8FD6"
QUIET = "#8C8C8C"

DASH = "\N{EN DASH}"
DAYS = "suffix:days"
COUNT = "locale"
"""A whole number with separators: 5,045. ``short`` would make 5 K of it."""

ALGORITHMS: Mapping[str, str] = {
    "RSA_2048": "#8FD0F0",
    "RSA_3072": "#3A8FD6",
    "RSA_4096": "#1F5FB4",
    "EC_P256": "#74D8B4",
    "EC_P384": "#009988",
    "SM2": "#B565C4",
    "RSA_1024": BAD,
    "unknown": QUIET,
}
"""RSA is blue, elliptic curves are green, darker is stronger; undocumented is orange, weak is red."""

RULES: Mapping[str, str] = {
    "max_age": "#E3C44B",
    "allowed_algorithms": "#B565C4",
    "allowed_domains": "#3A8FD6",
    "owner_required": "#74D8B4",
    "superseded_after": "#AA3377",
}
"""Rules of a policy; none has the colour of good or bad."""

AGE_BANDS: Sequence[tuple[str, str, str]] = (
    ("^(604800(\\.0)?|6\\.048e\\+0?5)$", "7d", "#009988"),
    ("^(2592000(\\.0)?|2\\.592e\\+0?6)$", "30d", "#33AD94"),
    ("^(4060800(\\.0)?|4\\.0608e\\+0?6)$", "47d", "#58B89A"),
    ("^(8640000(\\.0)?|8\\.64e\\+0?6)$", "100d", "#86C594"),
    ("^(17280000(\\.0)?|1\\.728e\\+0?7)$", "200d", "#B8CF7A"),
    ("^(31536000(\\.0)?|3\\.1536e\\+0?7)$", "1y", "#E3C44B"),
    ("^(34387200(\\.0)?|3\\.43872e\\+0?7)$", "398d", "#F0A03C"),
    ("^(63072000(\\.0)?|6\\.3072e\\+0?7)$", "2y", "#E5702A"),
    ("^\\+Inf$", ">2y", "#DD4330"),
)
"""Bounds of the default buckets as Prometheus may spell them, their names, and colours from fresh to old."""

REASONS: Mapping[str, str] = {
    "succeeded": GOOD,
    "unauthorized": BAD,
    "forbidden": "#AA3377",
    "throttled": "#E3C44B",
    "timeout": WARNING,
    "unreachable": "#882255",
    "server_error": "#EE3377",
}

CODES: Sequence[tuple[str, str]] = (
    ("/ 2..$", GOOD),
    ("/ 429$", "#E3C44B"),
    ("/ 4(?!29)..$", WARNING),
    ("/ 5..$", BAD),
    ("/ error$", "#AA3377"),
)
"""Legends of requests by HTTP status."""


def fixed(color: str) -> FieldColor:
    """One colour, whatever the value."""
    return FieldColor().mode(FieldColorModeId.FIXED).fixed_color(color)


def painted(color: str) -> DynamicConfigValue:
    """One colour for the field of an override."""
    return DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": color})


def limits(base: str, *steps: tuple[float, str]) -> ThresholdsConfig:
    """The colour *base*, and from each value on another."""
    thresholds = [Threshold(value=None, color=base), *(Threshold(value=value, color=color) for value, color in steps)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(thresholds)


def doubtful(thresholds: ThresholdsConfig) -> ThresholdsConfig:
    """*thresholds* without green: a number that may be too low is no good news."""
    steps = [
        Threshold(value=step.value, color=WARNING if step.color == GOOD else step.color)
        for step in thresholds.build().steps
    ]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


NEUTRAL = limits(CALM)
NONE_IS_GOOD = limits(GOOD, (1, WARNING))
NONE_OR_BAD = limits(GOOD, (1, BAD))
ALL_IS_GOOD = limits(BAD, (0.9, WARNING), (1, GOOD))
KEY_AGE = limits(GOOD, (398, WARNING), (730, BAD))
"""In days: the longest life of a public certificate issued before 15 March 2026, and twice that or so."""

MISSED_POLLS = limits(GOOD, (1.5, WARNING), (3, BAD))
WAIT = limits(GOOD, (900, WARNING), (1800, BAD))
"""In seconds: three polls of the default interval, and the default of stale_after."""


def words(meanings: Mapping[str, tuple[str, str]]) -> ValueMapping:
    """A text and a colour for each value."""
    return ValueMap(
        options={
            value: ValueMappingResult(text=text, color=color, index=index)
            for index, (value, (text, color)) in enumerate(meanings.items())
        }
    )


def upward(low: float, text: str, color: str) -> ValueMapping:
    """A text and a colour for all values from *low* on. It needs an end: Grafana takes null for 0."""
    result = ValueMappingResult(text=text, color=color, index=99)
    options = DashboardRangeMapOptions(from_val=low, to=1e15, result=result)
    return RangeMap(options=options)


def absent(text: str = DASH, color: str = QUIET) -> ValueMapping:
    """Shown where there is no value: a grey dash, or *text*."""
    result = ValueMappingResult(text=text, color=color, index=98)
    return SpecialValueMap(options=DashboardSpecialValueMapOptions(match=SpecialValueMatch.NULL_AND_NAN, result=result))
