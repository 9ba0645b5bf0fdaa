"""Where the shapes of the page's charts stand: numbers in, coordinates out. Pure; words and colours come elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from csr_exporter.status import RECENT_POLLS, Poll

STEP, COLUMN, HEIGHT = 6, 4, 24
"""From one column to the next, its width, and its height at most; units of the drawing."""

LEAST = 5
"""The height of a column that took no time at all."""

THINNEST = 0.8
"""Per cent of the width; what is there must be seen, however little it is."""


def widths(numbers: Iterable[int]) -> tuple[float, ...]:
    """The lengths of bars for *numbers*, in per cent of the longest."""
    each = tuple(numbers)
    longest = max(each, default=0)
    return tuple(round(max(THINNEST, 100 * number / longest), 1) if number else 0.0 for number in each)


@dataclass(frozen=True, slots=True)
class Column:
    """The column of one poll, in the coordinates of `Strip`."""

    x: float
    y: float
    height: float
    poll: Poll


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip of the last polls, the latest at the right; there is room for those that have not been."""

    columns: tuple[Column, ...]
    missing: int
    """How far the room reaches that is left for polls to come; 0 where there is none."""
    step: int = STEP
    column: int = COLUMN
    height: int = HEIGHT
    width: int = STEP * RECENT_POLLS - (STEP - COLUMN)


def strip(polls: Sequence[Poll]) -> Strip:
    """The strip of *polls*: as high as the square root of their duration, so that one that hung hides no other."""
    longest = max((poll.seconds for poll in polls), default=0.0) or 1.0
    first = RECENT_POLLS - len(polls)
    columns = tuple(_column(first + number, poll, longest) for number, poll in enumerate(polls))
    return Strip(columns, missing=max(0, first * STEP - (STEP - COLUMN)))


def _column(number: int, poll: Poll, longest: float) -> Column:
    height = round(LEAST + (HEIGHT - LEAST) * sqrt(max(0.0, poll.seconds) / longest), 1)
    return Column(number * STEP, round(HEIGHT - height, 1), height, poll)
