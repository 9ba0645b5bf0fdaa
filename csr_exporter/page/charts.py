"""The geometry of the page's charts: numbers in, coordinates out. Pure; texts and colours come elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from csr_exporter.status import RECENT_POLLS, Poll

STEP, COLUMN, HEIGHT = 6, 4, 24
"""From one column to the next, its width, and its greatest height; units of the drawing."""

LEAST = 5
"""The height of a column that took no time at all."""

THINNEST = 0.8
"""Per cent of the width: a bar for one of many must still be visible."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a bar chart; *width* is in per cent of the longest."""

    label: str
    number: int
    width: float
    shade: int


def bars(rows: Iterable[tuple[str, int, int]]) -> list[Bar]:
    """A bar for each label, number and shade."""
    each = tuple(rows)
    longest = max((number for _, number, _ in each), default=0)
    return [
        Bar(label, number, round(max(THINNEST, 100 * number / longest), 1) if number else 0.0, shade)
        for label, number, shade in each
    ]


@dataclass(frozen=True, slots=True)
class Column:
    """The column of one poll, in the coordinates of `Strip`."""

    x: float
    y: float
    height: float
    poll: Poll


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip of the last polls, the latest at the right. *missing* is how far the room for polls to come reaches."""

    columns: tuple[Column, ...]
    missing: int
    column: int = COLUMN
    height: int = HEIGHT
    width: int = STEP * RECENT_POLLS - (STEP - COLUMN)


def strip(polls: Sequence[Poll]) -> Strip:
    """The strip of *polls*: heights follow the square root of the duration, so that one slow poll dwarfs no other."""
    longest = max((poll.seconds for poll in polls), default=0.0) or 1.0
    first = RECENT_POLLS - len(polls)
    heights = [round(LEAST + (HEIGHT - LEAST) * sqrt(max(0.0, poll.seconds) / longest), 1) for poll in polls]
    columns = (
        Column((first + place) * STEP, round(HEIGHT - height, 1), height, poll)
        for place, (poll, height) in enumerate(zip(polls, heights, strict=True))
    )
    return Strip(tuple(columns), missing=max(0, first * STEP - (STEP - COLUMN)))
