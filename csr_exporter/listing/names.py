"""What the service means by ``name``, which the reference does not say."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from unicodedata import combining, normalize

from csr_exporter.inventory import Csr

MAX_NAME = 32
"""The longest name a query may have. Source: "Querying the CSR List", Table 1."""

PATTERN_CHARACTERS = frozenset("%*?\\")
"""What a filter may take for something other than itself; never asked for."""

ANY_CHARACTER = "_"
"""Stands for any one character in SQL's LIKE; common in names, so asked for until it shows that it does here."""


UNREADABLE = 3
"""The filter is given up when so many replies, and half of all, contradict every reading of it."""


class Match(StrEnum):
    """How much of a name has to be the text asked for."""

    SUBSTRING = "substring"
    PREFIX = "prefix"
    WORD = "word"
    EXACT = "exact"


class Fold(StrEnum):
    """Which differences the filter overlooks."""

    NOTHING = "nothing"
    CASE = "case"
    ACCENTS = "accents"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One reading of ``name``. *literal*: an underscore stands for itself."""

    match: Match
    fold: Fold = Fold.NOTHING
    literal: bool = True

    def text(self, name: str) -> str:
        """The name as the filter sees it."""
        match self.fold:
            case Fold.NOTHING:
                return name
            case Fold.CASE:
                return name.lower()
            case _ if name.isascii():
                return name.lower()
        return "".join(each for each in normalize("NFKD", name.casefold()) if not combining(each))

    def selects(self, wanted: str, name: str) -> bool:
        return self.holds(self.text(wanted), self.text(name))

    def holds(self, wanted: str, name: str) -> bool:
        """`selects`, for texts that are as the filter sees them."""
        match self.match:
            case _ if not self.literal and ANY_CHARACTER in wanted:
                return re.search(re.escape(wanted).replace(ANY_CHARACTER, "."), name) is not None
            case Match.SUBSTRING:
                return wanted in name
            case Match.PREFIX:
                return name.startswith(wanted)
            case Match.WORD:
                return wanted in words(name)
            case _:
                return name == wanted

    def selected(self, wanted: str, names: Sequence[str], start: int) -> list[int]:
        """The positions, from *start* on, of those *names*, as the filter sees them, that *wanted* selects."""
        further = enumerate(names[start:], start)
        if self.match is Match.SUBSTRING and (self.literal or ANY_CHARACTER not in wanted):
            return [position for position, name in further if wanted in name]  # the usual case, and many times quicker
        return [position for position, name in further if self.holds(wanted, name)]

    def number_held(self, texts: Collection[str], name: str) -> int:
        """How many of *texts* select *name*, as the filter sees them."""
        if self.match is Match.SUBSTRING and self.literal:
            return sum(map(name.__contains__, texts))  # as above
        return sum(self.holds(text, name) for text in texts)

    def can_ask(self, character: str) -> bool:
        return character not in PATTERN_CHARACTERS and (self.literal or character != ANY_CHARACTER)


def words(text: str) -> list[str]:
    """The runs of letters and digits in *text*."""
    return re.findall(r"[^\W_]+", text)


MEANINGS = tuple(Meaning(match, fold) for match in Match for fold in Fold)
"""Every reading, the likeliest first; each also with an underscore that stands for any character."""


class NameFilter:
    """Goes by the reading of ``name`` that the fewest replies contradict, a *remembered* one before the others.

    A single reply proves no reading wrong: a CSR may have been renamed a moment ago. Nothing but the choice of slices
    depends on it.
    """

    def __init__(self, remembered: Meaning | None) -> None:
        literal = sorted(MEANINGS, key=lambda each: each != remembered)
        readings = [*literal, *(replace(each, literal=False) for each in literal)]
        self.meaning = readings[0] if remembered is None else remembered
        self.usable = True
        self._contradictions = dict.fromkeys(readings, 0)
        self._replies = 0
        self._unweighed: list[tuple[str, int | None, Sequence[str]]] = []

    @property
    def certain(self) -> bool:
        """Whether no reply contradicts the reading."""
        return not self._contradictions[self.meaning]

    def learn(self, wanted: str, shown: Sequence[Csr]) -> bool:
        """Take note of a reply to *wanted*; True when the reading changes by it."""
        return self._weigh((wanted, None, [csr.name for csr in shown]))

    def limit(self, wanted: str, size: int, names: Sequence[str]) -> bool:
        """Take note that *wanted* selects no more than *size* of the CSRs with these *names*; as `learn`."""
        return self._weigh((wanted, size, names))

    def refuse(self) -> None:
        """The service does not accept the filter."""
        self.usable = False

    def _weigh(self, reply: tuple[str, int | None, Sequence[str]]) -> bool:
        """Other readings are looked at only when this one is contradicted: there are many of them."""
        self._replies += 1
        self._unweighed.append(reply)
        if not _contradicts(self.meaning, *reply):
            return False
        for reading in self._contradictions:
            self._contradictions[reading] += sum(_contradicts(reading, *each) for each in self._unweighed)
        self._unweighed.clear()
        before = self.meaning
        # Of those with the fewest contradictions the first, that is, the likeliest.
        self.meaning = min(self._contradictions, key=lambda each: self._contradictions[each])
        least = self._contradictions[self.meaning]
        self.usable = least < UNREADABLE or least * 2 < self._replies
        return self.meaning != before


def _contradicts(meaning: Meaning, wanted: str, size: int | None, names: Sequence[str]) -> bool:
    selected = sum(meaning.selects(wanted, name) for name in names)
    return selected > size if size is not None else selected < len(names)
