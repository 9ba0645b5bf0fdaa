"""What the service means by ``name``, which the reference does not say."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from csr_exporter.inventory import Csr

MAX_NAME = 32
"""The longest name a query may have. Source: "Querying the CSR List", Table 1."""

PATTERN_CHARACTERS = frozenset("%*?\\")
"""What a filter may take for something other than itself; never asked for."""

ANY_CHARACTER = "_"
"""Stands for any one character in SQL's LIKE; common in names, so asked for until it shows that it does here."""


class Match(StrEnum):
    """How much of a name has to be the text asked for."""

    SUBSTRING = "substring"
    PREFIX = "prefix"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One reading of ``name``. *folded*: case makes no difference. *literal*: an underscore stands for itself."""

    match: Match
    folded: bool = False
    literal: bool = True

    def text(self, name: str) -> str:
        """The name as the filter sees it."""
        return name.lower() if self.folded else name

    def selects(self, wanted: str, name: str) -> bool:
        return self.holds(self.text(wanted), self.text(name))

    def holds(self, wanted: str, name: str) -> bool:
        """`selects`, for texts that are as the filter sees them."""
        match self.match:
            case Match.SUBSTRING:
                return wanted in name
            case Match.PREFIX:
                return name.startswith(wanted)
            case _:
                return name == wanted

    def can_ask(self, character: str) -> bool:
        return character not in PATTERN_CHARACTERS and (self.literal or character != ANY_CHARACTER)


MEANINGS = tuple(Meaning(match, folded) for match in Match for folded in (False, True))
"""Every reading, the likeliest first."""


class NameFilter:
    """The readings of ``name`` that no reply has contradicted, a *remembered* one before the others."""

    def __init__(self, remembered: Meaning | None) -> None:
        preferred = () if remembered is None else (remembered,)
        self._possible = [*preferred, *(each for each in MEANINGS if each != remembered)]

    @property
    def usable(self) -> bool:
        """Whether there is a reading that can be relied on."""
        return bool(self._possible)

    @property
    def meaning(self) -> Meaning:
        """The reading to go by."""
        return self._possible[0] if self._possible else MEANINGS[0]

    def explains(self, wanted: str, csrs: Sequence[Csr]) -> bool:
        """Drop readings by which *wanted* does not select all of *csrs*; False when that leaves none."""
        fitting = [each for each in self._possible if all(each.selects(wanted, csr.name) for csr in csrs)]
        if not fitting and ANY_CHARACTER in wanted:
            fitting = [replace(each, literal=False) for each in self._possible if each.literal]
        self._possible = fitting
        return bool(fitting)

    def allows(self, wanted: str, size: int, csrs: Collection[Csr]) -> bool:
        """Drop readings by which *wanted* selects more than *size* of the *csrs* that are there.

        False when that would leave none: then the list has changed, and nothing is learned.
        """
        fitting = [each for each in self._possible if sum(each.selects(wanted, csr.name) for csr in csrs) <= size]
        self._possible = fitting or self._possible
        return bool(fitting)

    def refuse(self) -> None:
        """The service does not accept the filter."""
        self._possible = []
