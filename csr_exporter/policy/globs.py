"""Globs: ``*`` stands for any text, ``?`` for one character.

Whoever creates CSRs chooses the texts, so matching takes time linear in them, whatever the glob: the parts between
stars are looked for one after another, each at the first place it fits, and no place is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern by its *parts*, those before, between and after stars; *shortest* is the fewest characters it matches.

    It matches texts that were casefolded, as the pattern is.
    """

    parts: tuple[str, ...]
    shortest: int

    @classmethod
    def of(cls, pattern: str) -> Glob:
        first, *rest = pattern.casefold().split("*")
        if not rest:
            return cls((first,), len(first))
        *middle, last = rest
        parts = (first, *filter(None, middle), last)
        return cls(parts, sum(map(len, parts)))

    def matches(self, text: str) -> bool:
        """Whether it matches the whole of *text*, which is casefolded."""
        parts = self.parts
        if len(text) < self.shortest or not _fits(parts[0], text, 0):
            return False
        if len(parts) == 1:
            return len(text) == self.shortest
        end = len(text) - len(parts[-1])
        if not _fits(parts[-1], text, end):
            return False
        place = len(parts[0])
        for part in parts[1:-1]:
            found = _first(part, text, place)
            if found < 0:
                return False
            place = found + len(part)
        return place <= end


def _fits(part: str, text: str, place: int) -> bool:
    """Whether *part* matches *text*, which is long enough, at *place*."""
    if "?" not in part:
        return text.startswith(part, place)
    return all(wanted in ("?", given) for wanted, given in zip(part, text[place:], strict=False))


def _first(part: str, text: str, start: int) -> int:
    """The first place from *start* on at which *part* matches *text*, or -1."""
    if "?" not in part:
        return text.find(part, start)
    places = _places(text)
    # Bit i stands for a match at place i: one character of the part at a time, at all places at once.
    matching = (1 << max(0, len(text) - len(part) + 1)) - 1 >> start << start
    for offset, character in enumerate(part):
        if character != "?":
            matching &= places.get(character, 0) >> offset
    return (matching & -matching).bit_length() - 1


@lru_cache(maxsize=1)  # a glob may have a hundred parts to look for in the same text
def _places(text: str) -> Mapping[str, int]:
    """For each character of *text* a bit for each place where it is."""
    places: dict[str, int] = {}
    for place, character in enumerate(text):
        places[character] = places.get(character, 0) | 1 << place
    return places
