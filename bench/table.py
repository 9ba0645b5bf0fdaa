"""Measured figures with their spread, and the table they are shown in."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

HEAD = ("measured", "CSR Exporter", "compared with", "ratio", "wanted")

_UNITS = {"s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")), "B": ((2**20, "MiB"), (2**10, "KiB"))}


@dataclass(frozen=True, slots=True)
class Figure:
    """The values of several runs. *unit* is ``s``, ``B`` (bytes), ``%`` or empty."""

    values: tuple[float, ...]
    unit: str = "s"

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        """The median, and the range if there is one: ``7.1 ms (6.9 to 7.4)``."""
        scale, unit = self._scale()
        least, middle, most = (_short(value / scale) for value in (min(self.values), self.median, max(self.values)))
        spread = f" ({least} to {most})" if least != most else ""
        return f"{middle} {unit}".rstrip() + spread

    def _scale(self) -> tuple[float, str]:
        units = _UNITS.get(self.unit, ((1.0, self.unit),))
        return next((each for each in units if self.median >= each[0]), units[-1])


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted of a row, in words, and whether it *is_met*."""

    words: str
    is_met: Callable[[Row], bool]


def at_least(ratio: float) -> Goal:
    """A ratio of at least so much."""
    return Goal(f"at least {_short(ratio)}", lambda row: (row.ratio or 0.0) >= ratio)


def at_most(value: float, unit: str = "s") -> Goal:
    """A figure of ours of at most so much, in the *unit* of figures."""
    return Goal(f"at most {Figure((value,), unit)}", lambda row: row.ours.median <= value)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: our figure, and another's for the same if there is one."""

    what: str
    ours: Figure
    theirs: Figure | None = None
    whose: str = ""
    wanted: Goal | None = None

    @property
    def ratio(self) -> float | None:
        """Their figure divided by ours."""
        return self.theirs.median / self.ours.median if self.theirs and self.ours.median else None

    def cells(self) -> Iterator[str]:
        yield self.what
        yield str(self.ours)
        yield f"{self.theirs}, {self.whose}" if self.theirs else ""
        yield f"{_short(self.ratio)}" if self.ratio is not None else ""
        yield f"{self.wanted.words}: {'met' if self.wanted.is_met(self) else 'missed'}" if self.wanted else ""


def markdown(rows: Iterable[Row]) -> Iterator[str]:
    """The lines of the table, each as soon as its row is measured."""
    yield _line(HEAD)
    yield _line("---" for _ in HEAD)
    for row in rows:
        yield _line(row.cells())


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _short(value: float) -> str:
    """Three significant digits, and no fraction from 100 on."""
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 - three digits
