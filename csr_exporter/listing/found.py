"""The CSRs found while the list is divided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from csr_exporter.inventory import Csr
from csr_exporter.listing.names import Meaning
from csr_exporter.listing.pages import Slice

LEVELS = 4
"""Names that contain so many exhausted texts, or more, are not told apart."""


class Found:
    """The CSRs *read*, and those *waiting*: remembered from earlier polls, perhaps gone.

    *exhausted* are texts all of whose CSRs were read. *names* only grows, and a set of CSRs is an integer with a bit
    for each position in it: how many of them a text selects is an ``&`` and a count, and each name is compared with
    each text once. *levels* are the CSRs read, by how many exhausted texts their names contain.
    """

    def __init__(
        self, meaning: Meaning, read: Mapping[str, Csr], waiting: Mapping[str, Csr], exhausted: Iterable[str] = ()
    ) -> None:
        self.csrs = dict(read)
        self.waiting = {identity: csr for identity, csr in waiting.items() if identity not in read}
        self.interpret(meaning, exhausted)

    def interpret(self, meaning: Meaning, exhausted: Iterable[str] = ()) -> None:
        """Take names as *meaning* sees them."""
        self.meaning = meaning
        self.names: list[str] = []
        self._ids: list[str] = []
        self._position: dict[str, int] = {}
        self._of_algorithm: defaultdict[str, int] = defaultdict(int)
        self._selected: dict[str, tuple[int, int]] = {}
        self._note([*self.csrs.values(), *self.waiting.values()])
        self.all_read = bit_set([self._position[each] for each in self.csrs])
        self.all_waiting = bit_set([self._position[each] for each in self.waiting])
        self.levels = [self.all_read] + [0] * LEVELS
        self.exhausted: dict[str, None] = {}
        for text in exhausted:
            self.exhaust(Slice(name=text))

    def read(self, csrs: Iterable[Csr]) -> None:
        """Take note of what was read."""
        new = [csr for csr in csrs if csr.id not in self.csrs or self.csrs[csr.id].name != csr.name]
        for csr in new:
            self._forget(csr.id)
            self.csrs[csr.id] = csr
        self._note(new)
        for csr in new:
            position = self._position[csr.id]
            self.all_read |= 1 << position
            self.levels[min(self.meaning.number_held(self.exhausted, self.names[position]), LEVELS)] |= 1 << position

    def _note(self, csrs: Iterable[Csr]) -> None:
        """Give positions to *csrs*; one that was known by another name gets a new one."""
        added = defaultdict(list)
        for csr in csrs:
            text, position = self.meaning.text(csr.name), self._position.get(csr.id)
            if position is None or self.names[position] != text:
                self._position[csr.id] = len(self.names)
                added[csr.algorithm].append(len(self.names))
                self.names.append(text)
                self._ids.append(csr.id)
        for algorithm, positions in added.items():
            self._of_algorithm[algorithm] |= bit_set(positions)

    def _forget(self, identity: str) -> None:
        if identity in self._position:
            others = ~(1 << self._position[identity])
            self.waiting.pop(identity, None)
            self.all_waiting &= others
            self.all_read &= others
            self.levels = [level & others for level in self.levels]

    def members(self, part: Slice) -> int:
        """Those of all names that *part* selects."""
        if part.name is None:
            selected = self.all_read | self.all_waiting
        else:
            compared, selected = self._selected.get(part.name, (0, 0))
            selected |= bit_set(self.meaning.selected(part.name, self.names, compared))
            self._selected[part.name] = len(self.names), selected
        return selected if part.algorithm is None else selected & self._of_algorithm[part.algorithm]

    def number(self, part: Slice) -> int:
        """How many of the CSRs read are in *part*."""
        return (self.members(part) & self.all_read).bit_count()

    def csrs_in(self, part: Slice) -> list[Csr]:
        """The CSRs read that are in *part*."""
        return [self.csrs[self._ids[position]] for position in bits(self.members(part) & self.all_read)]

    def exhaust(self, part: Slice) -> None:
        """All of *part* was read: what is remembered of it and was not read is gone."""
        members = self.members(part)
        for position in bits(members & self.all_waiting):
            del self.waiting[self._ids[position]]
        self.all_waiting &= ~members
        if part.name is None or part.algorithm is not None or part.name in self.exhausted:
            return
        self.exhausted[part.name] = None
        for level in reversed(range(LEVELS)):
            moving = self.levels[level] & members
            self.levels[level] ^= moving
            self.levels[level + 1] |= moving

    def is_covered(self, text: str) -> bool:
        """Whether every name that contains *text* was read because a part of the text was exhausted."""
        return self.meaning.number_held(self.exhausted, text) > 0


def bit_set(positions: Sequence[int]) -> int:
    """The integer with a bit at each of the *positions*, the last of them the highest."""
    octets = bytearray(positions[-1] // 8 + 1 if positions else 0)
    for position in positions:
        octets[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(octets, "little")


def bits(number: int) -> Iterator[int]:
    """The positions of the bits of *number*."""
    digits = bin(number)[:1:-1]
    position = digits.find("1")
    while position >= 0:
        yield position
        position = digits.find("1", position + 1)
