"""Which slice to read next: the one that should bring the most unread CSRs per request."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil, exp
from string import ascii_letters, digits

from csr_exporter.listing.found import Found
from csr_exporter.listing.names import MAX_NAME, Match, Meaning, words
from csr_exporter.listing.pages import PAGE_SIZE, Slice

TOO_LARGE = 3
"""How steeply a slice loses worth that does not fit the window: what it does not show has to be asked for again.

Set by ``python -m tests.requests_table --constants``: 1 costs 75 % more requests, and 2 to 6 differ by 3 %.
"""

RARER = 0.2
"""How much rarer unread names are that contain one more text of which every name was read.

A name in which several such texts occur shows that its like is well covered; one that a single text has brought, that
more of its like may be around. Set by ``python -m tests.requests_table --constants``: 1, which ignores this, costs
62 % more requests.
"""

SMALL = 1000
"""Up to so many known CSRs, texts are collected and valued anew for each choice, which then costs little time."""

REPLAN = 16
"""Beyond that, all texts are valued anew after so many choices; in between, only those that seem best."""

GROWN = 0.35
"""Beyond that, texts are collected anew when so large a share of what was unread has been read."""

CHARACTERS = ascii_letters + digits + "-_."
"""What names are usually made of."""

LONGEST = 64
"""Further characters of a name are not looked at, so that absurd ones cost no more than others."""

LEVELS = 8
"""Names that contain so many exhausted texts, or more, count as nothing."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A slice to read, the unread CSRs expected to be found in it, and how many of them per request."""

    part: Slice
    expected: float
    rate: float


class Plan:
    """Chooses among the texts in the names that were known when it was made.

    Sets of CSRs are integers with a bit for each, so that how many of them a text selects is an ``&`` and a count.
    """

    def __init__(self, found: Found, asked: Collection[Slice], unread: int, window: int) -> None:
        self._found = found
        self._asked = asked
        self.meaning = found.meaning
        self._window = window
        self._unread = unread
        self._csrs = [*found.csrs.values(), *found.waiting.values()]
        self._names = [found.texts[csr.id][:LONGEST] for csr in self._csrs]
        self._choices = 0
        self._queue: list[tuple[float, int, str, int]] = []
        self._take_stock()
        self._measure(unread)
        self._texts = [] if found.meaning.match is Match.EXACT else list(self._worth_asking())
        self._shown = {members for text, members in self._texts if Slice(name=text) in asked}

    @property
    def outgrown(self) -> bool:
        """Whether so many CSRs have become known since that other texts may be worth more."""
        further = len(self._found.csrs) + len(self._found.waiting) - len(self._csrs)
        return further > (GROWN * self._unread if len(self._csrs) > SMALL else 0)

    def best(self, unread: int) -> Choice | None:
        """The slice of most worth that was not asked for; None when there is nothing left to ask for."""
        if self._found.meaning.match is Match.EXACT:
            return self._remembered_name()
        replan = len(self._csrs) <= SMALL or self._choices % REPLAN == 0
        self._measure(unread)
        choice = None if replan else self._first()
        self._choices += 1
        if choice is None:
            self._queue = [self._entry(text, members) for text, members in self._texts]
            heapq.heapify(self._queue)
            choice = self._first()
        return choice

    def surprise(self) -> Choice | None:
        """A character that no name is known to have, for when the known ones explain too little."""
        meaning = self._found.meaning
        if meaning.match not in {Match.SUBSTRING, Match.PREFIX}:
            return None
        known = set(longer_texts(self.meaning, "", self._names, range(len(self._csrs))))
        for character in dict.fromkeys(meaning.text(CHARACTERS)):
            part = Slice(name=character)
            if character not in known and part not in self._asked and meaning.can_ask(character):
                return Choice(part, 0.0, 0.0)
        return None

    def _remembered_name(self) -> Choice | None:
        """Where names have to be known whole, those remembered are all there is to ask for."""
        for csr in self._found.waiting.values():
            name = self._found.meaning.text(csr.name)
            if 0 < len(name) <= MAX_NAME and Slice(name=name) not in self._asked and self._can_ask(name):
                return Choice(Slice(name=name), 1.0, 1.0)
        return None

    def _can_ask(self, text: str) -> bool:
        return text == text.strip() and all(map(self._found.meaning.can_ask, text))

    # --- what a text is worth -----------------------------------------------------------------------------------------

    def _take_stock(self) -> None:
        """Which CSRs were read, by how many exhausted texts their names contain, and which wait."""
        found, number = self._found, len(self._csrs)
        self._position = {csr.id: index for index, csr in enumerate(self._csrs)}
        levels: list[list[int]] = [[] for _ in range(LEVELS + 1)]
        for identity in found.csrs:
            levels[min(found.covered[identity], LEVELS)].append(self._position[identity])
        self._read = [_members(each, number) for each in levels]
        self._all_read = _members([self._position[each] for each in found.csrs], number)
        self._waiting = _members([self._position[each] for each in found.waiting], number)
        self._known = len(found.csrs), len(found.exhausted)

    def _measure(self, unread: int) -> None:
        """Note what was read and exhausted since, and what that says of the names that are unread."""
        found = self._found
        read, exhausted = self._known
        self._known = len(found.csrs), len(found.exhausted)
        for text in islice(found.exhausted, exhausted, None):
            self._exhaust(self._members_of(text))
        for identity in islice(found.csrs, read, None):
            bit = 1 << self._position[identity] if identity in self._position else 0
            self._waiting &= ~bit
            self._all_read |= bit
            self._read[min(found.covered[identity], LEVELS)] |= bit
        weight = sum(RARER**level * members.bit_count() for level, members in enumerate(self._read[:LEVELS]))
        waiting = len(found.waiting)
        # Where those that wait explain all that is unread, no other name is expected.
        self._per_weight = max(0, unread - waiting) / weight if weight else 0.0
        self._per_waiting = min(1.0, unread / waiting) if waiting else 0.0

    def _exhaust(self, members: int) -> None:
        self._waiting &= ~members
        for level in reversed(range(LEVELS)):
            moving = self._read[level] & members
            self._read[level] ^= moving
            self._read[level + 1] |= moving

    def _members_of(self, text: str) -> int:
        names = self._found.members(Slice(name=text), {csr.id: csr for csr in self._csrs})
        return _members([self._position[csr.id] for csr in names], len(self._csrs))

    def _expected(self, members: int) -> float:
        """How many unread CSRs a slice of these and unknown ones should have."""
        weight = sum(RARER**level * (members & each).bit_count() for level, each in enumerate(self._read[:LEVELS]))
        return (members & self._waiting).bit_count() * self._per_waiting + weight * self._per_weight

    def _entry(self, text: str, members: int) -> tuple[float, int, str, int]:
        """By how many unread CSRs a request should bring. Of equal worth, the shorter text first: it may bring names
        that were not thought of.
        """
        expected, size = self._worth(members)
        # If the first page tells that there is nothing unread, it is the last.
        further_pages = ceil(min(size, self._window) / PAGE_SIZE) - 1
        return -expected / (1 + further_pages * (1 - exp(-expected))), len(text), text, members

    def _worth(self, members: int) -> tuple[float, float]:
        """How many unread CSRs the window should show, and how many CSRs the slice should have."""
        expected = self._expected(members)
        size = (members & self._all_read).bit_count() + expected
        share = 1.0 if size <= self._window else (self._window / size) ** TOO_LARGE
        return share * expected, size

    def _first(self) -> Choice | None:
        """The first in the queue that is still worth more than the next, now that more is known."""
        while self._queue:
            *_, text, members = heapq.heappop(self._queue)
            part = Slice(name=text)
            if members in self._shown or part in self._asked or self._found.is_covered(text):
                continue
            # Worth only falls as more is read, so an old value at the top is too high, and never hides a better one.
            entry = self._entry(text, members)
            if not self._queue or entry <= self._queue[0]:
                # A slice too large for the window would show the same again for each text that selects the same.
                self._shown.add(members)
                return Choice(part, self._worth(members)[0], -entry[0]) if entry[0] < 0 else None
            heapq.heappush(self._queue, entry)
        return None

    # --- which texts there are ----------------------------------------------------------------------------------------

    def _worth_asking(self) -> Iterator[tuple[str, int]]:
        """Texts down to the size of a page, with the CSRs they select: nothing is gained by longer ones.

        A text that ends with another, and selects the same CSRs, is not made longer: that would come to the same.
        """
        extended: dict[int, list[str]] = {}
        texts = list(longer_texts(self.meaning, "", self._names, range(len(self._csrs))).items())
        for text, positions in texts:
            members = _members(positions, len(self._csrs))
            expected = self._expected(members)
            if expected <= 0 or text in self._found.exhausted:
                continue
            if text == text.strip():
                yield text, members
            twins = extended.setdefault(members, [])
            if any(text.endswith(twin) for twin in twins):
                continue
            twins.append(text)
            if (members & self._all_read).bit_count() + expected > PAGE_SIZE and len(text) < MAX_NAME:
                texts.extend(longer_texts(self.meaning, text, self._names, positions).items())


def longer_texts(meaning: Meaning, text: str, names: Sequence[str], among: Iterable[int]) -> dict[str, list[int]]:
    """The texts longer than *text* by one character, or the words, and which of the *names among* have each."""
    longer: dict[str, list[int]] = {}
    for end, index in _ends(meaning.match, text, names, among):
        indexes = longer.setdefault(end, [])
        if not indexes or indexes[-1] != index:
            indexes.append(index)
    return {text + end: indexes for end, indexes in longer.items() if end and all(map(meaning.can_ask, end))}


def _ends(match: Match, text: str, names: Sequence[str], among: Iterable[int]) -> Iterator[tuple[str, int]]:
    """What may be added to *text*, with the index of the name it is in."""
    if match is Match.WORD:
        return ((word, index) for index in among for word in words(names[index]) if not text and len(word) <= MAX_NAME)
    if match is Match.PREFIX:
        return ((names[index][len(text) : len(text) + 1], index) for index in among)
    return _characters_after(text, names, among)


def _characters_after(text: str, names: Sequence[str], among: Iterable[int]) -> Iterator[tuple[str, int]]:
    """What follows each occurrence of *text*; most of the time to plan is spent here."""
    length = len(text)
    for index in among:
        name = names[index]
        start = name.find(text)
        while 0 <= start < len(name) - length:
            yield name[start + length], index
            start = name.find(text, start + 1)


def _members(positions: Sequence[int], number: int) -> int:
    bits = bytearray(number // 8 + 1)
    for position in positions:
        bits[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(bits, "little")
