"""Many selectors at once: globs that are a text, or have their one star at an end, are looked up and not tried.

Sets of selectors are integers with a bit for each. So what a CSR costs hardly grows with the number of owners and
waivers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter

from csr_exporter.policy.globs import Glob
from csr_exporter.policy.rules import Selector, Texts


class Selectors:
    """Finds those of *selectors* that select a CSR."""

    def __init__(self, selectors: Sequence[Selector]) -> None:
        self._kinds = [
            (GlobSets(sets), sum(1 << place for place, globs in enumerate(sets) if not globs))
            for sets in zip(*((each.names, each.domains, each.ids) for each in selectors), strict=True)
        ]

    def selecting(self, texts: Texts) -> int:
        """The set of those that select the CSR with these *texts*, if it is of a right account."""
        found = -1 if self._kinds else 0
        for (globs, unasked), those in zip(self._kinds, ((texts.name,), texts.domains, (texts.id,)), strict=False):
            found &= globs.matching(those) | unasked
            if not found:
                break
        return found


class GlobSets:
    """Finds those of several *sets* of globs of which one matches."""

    def __init__(self, sets: Iterable[Iterable[Glob]]) -> None:
        self._whole, self._beginnings, self._endings = _Parts(), _Parts(), _Parts()
        self._within: dict[str, int] = {}
        self._others: list[tuple[Glob, int]] = []
        for place, globs in enumerate(sets):
            for glob in globs:
                self._add(glob, 1 << place)

    def _add(self, glob: Glob, bit: int) -> None:
        match glob:
            case Glob(first, (), None):
                self._whole.add(first, bit)
            case Glob(first, (), ""):
                self._beginnings.add(first, bit)
            case Glob("", (), str(last)):
                self._endings.add(last, bit)
            case Glob("", (part,), "") if "?" not in part:
                self._within[part] = self._within.get(part, 0) | bit
            case _:
                self._others.append((glob, bit))

    def matching(self, texts: Iterable[str]) -> int:
        """The set of those that match one of *texts*, which are casefolded."""
        found = 0
        for text in texts:
            length = len(text)
            found |= self._whole.of(text, length) if length in self._whole.sizes else 0
            for size in self._beginnings.sizes:
                if size <= length:
                    found |= self._beginnings.of(text, size)
            for size in self._endings.sizes:
                if size <= length:
                    found |= self._endings.of(text[length - size :], size)
            for part, those in self._within.items():
                if part in text:
                    found |= those
            for glob, bit in self._others:
                if not found & bit and glob.matches(text):
                    found |= bit
        return found


class _Parts:
    """Parts of globs by their length, and by where their question marks are."""

    def __init__(self) -> None:
        self.sizes: dict[int, dict[tuple[tuple[int, int], ...], tuple[_Key, dict[object, int]]]] = {}

    def add(self, part: str, bit: int) -> None:
        places = tuple(found.span() for found in re.finditer("[^?]+", part)) or ((0, 0),)
        key, sets = self.sizes.setdefault(len(part), {}).setdefault(places, (_key(places), {}))
        sets[key(part)] = sets.get(key(part), 0) | bit

    def of(self, text: str, size: int) -> int:
        """The set of parts of that *size* that *text* begins with."""
        found = 0
        for key, sets in self.sizes[size].values():
            found |= sets.get(key(text), 0)
        return found


_Key = Callable[[str], object]


def _key(places: Iterable[tuple[int, int]]) -> _Key:
    """What has to be equal in a part and in a text that it matches: all but the characters at question marks."""
    return itemgetter(*(slice(*each) for each in places))


def bits(those: int) -> Iterator[int]:
    """The places of the selectors in a set."""
    while those:
        yield (those & -those).bit_length() - 1
        those &= those - 1
