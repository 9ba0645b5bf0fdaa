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
    """A pattern that was casefolded, and matches texts that were.

    *first* is the part before its first star, *last* the part after its last one, None without a star, and *middle* are
    the parts between. It matches no text with fewer characters than *shortest*.
    """

    first: str
    middle: tuple[str, ...]
    last: str | None
    shortest: int

    @classmethod
    def of(cls, pattern: str) -> Glob:
        first, *rest = pattern.casefold().split("*")
        middle, last = tuple(filter(None, rest[:-1])), rest[-1] if rest else None
        return cls(first, middle, last, sum(map(len, (first, *middle, last or ""))))

    def matches(self, text: str) -> bool:
        """Whether it matches the whole of *text*, which is casefolded."""
        length, last = len(text), self.last
        if length < self.shortest or not (text.startswith(self.first) or _fits(self.first, text, 0)):
            return False
        if last is None:
            return length == self.shortest
        end = length - len(last)
        if not (text.endswith(last) or _fits(last, text, end)):
            return False
        place = len(self.first)
        for part in self.middle:
            found = _first(part, text, place)
            if found < 0:
                return False
            place = found + len(part)
        return place <= end


def _fits(part: str, text: str, place: int) -> bool:
    """Whether *part* has question marks, and matches *text*, which is long enough, at *place*."""
    return "?" in part and all(wanted in ("?", given) for wanted, given in zip(part, text[place:], strict=False))


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
