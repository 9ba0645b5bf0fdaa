"""Which slice to read next: the one that should bring the most unread CSRs per request."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp
from string import ascii_letters, digits

from csr_exporter.listing.found import LEVELS, Found, bit_set
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

REPLAN = 64
"""Beyond that, all texts are valued anew after so many choices; in between, only those that seem best."""

GROWN = 0.35
"""Beyond that, texts are collected anew when so large a share of what was unread has been read."""

CHARACTERS = ascii_letters + digits + "-_."
"""What names are usually made of."""

LONGEST = 64
"""Further characters of a name are not looked at, so that absurd ones cost no more than others."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A slice to read, the unread CSRs expected to be found in it, and how many of them per request."""

    part: Slice
    expected: float
    rate: float


class Plan:
    """Chooses among the texts in the names that are known.

    *_members* has the CSRs that each text selects among the names looked at so far. Of a text that was made longer,
    *_longer* has those texts; of the others, *_positions* has the names it is in, as many as it has members.
    """

    def __init__(self, found: Found, asked: Collection[Slice], window: int) -> None:
        self._found = found
        self._asked = asked
        self.meaning = found.meaning
        self._window = window
        self._unread = 0
        self._names: list[str] = []
        self._members: dict[str, int] = {}
        self._longer: dict[str, list[str]] = {"": []}
        self._positions: dict[str, list[int]] = {}
        self._texts: list[tuple[str, int]] = []
        self._shown: set[int] = set()
        self._choices = 0
        self._queue: list[tuple[float, int, str, int]] = []

    def best(self, unread: int) -> Choice | None:
        """The slice of most worth that was not asked for; None when there is nothing left to ask for."""
        if self.meaning.match is Match.EXACT:
            return self._remembered_name()
        self._measure(unread)
        collected = self._is_outgrown()
        if collected:
            self._collect(unread)
        replan = collected or len(self._names) <= SMALL or self._choices % REPLAN == 0
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
        known = self._longer[""]
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

    def _measure(self, unread: int) -> None:
        """Note what those that were read and exhausted say of the names that are unread."""
        found = self._found
        weights = [(RARER**level, members) for level, members in enumerate(found.levels[:LEVELS]) if members]
        weight = sum(each * members.bit_count() for each, members in weights)
        waiting = len(found.waiting)
        # Where those that wait explain all that is unread, no other name is expected.
        per_weight = max(0, unread - waiting) / weight if weight else 0.0
        self._weights = [(each * per_weight, members) for each, members in weights if per_weight]
        if waiting:
            self._weights.append((min(1.0, unread / waiting), found.all_waiting))

    def _expected(self, members: int) -> float:
        """How many unread CSRs a slice of these and unknown ones should have."""
        return sum([weight * (members & each).bit_count() for weight, each in self._weights])

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
        size = (members & self._found.all_read).bit_count() + expected
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

    def _is_outgrown(self) -> bool:
        """Whether so many names have become known since texts were collected that others may be worth more."""
        further = len(self._found.names) - len(self._names)
        return further > (GROWN * self._unread if len(self._names) > SMALL else 0)

    def _collect(self, unread: int) -> None:
        """Look at the names that are new, and at what is worth asking now."""
        self._unread = unread
        known, names = len(self._names), self._found.names
        self._names.extend(name[:LONGEST] for name in names[known:])
        self._grow("", range(known, len(names)))
        self._texts = list(self._worth_asking())
        self._shown = {members for text, members in self._texts if Slice(name=text) in self._asked}

    def _grow(self, text: str, positions: Iterable[int]) -> None:
        """Note which of the names at *positions*, which *text* selects, have which text longer by one character."""
        for longer, among in longer_texts(self.meaning, text, self._names, positions).items():
            if longer not in self._members:
                self._members[longer] = 0
                self._longer[text].append(longer)
                self._positions[longer] = []
            self._members[longer] |= bit_set(among)
            if longer in self._longer:
                self._grow(longer, among)
            else:
                self._positions[longer] += among

    def _worth_asking(self) -> Iterator[tuple[str, int]]:
        """Texts down to the size of a page, with the CSRs they select: nothing is gained by longer ones."""
        texts = list(self._longer[""])
        for text in texts:
            members = self._members[text]
            expected = self._expected(members)
            if expected <= 0 or text in self._found.exhausted:
                continue
            if text == text.strip():
                yield text, members
            if (members & self._found.all_read).bit_count() + expected > PAGE_SIZE and not self._is_twin(text):
                texts.extend(self._longer_than(text))

    def _is_twin(self, text: str) -> bool:
        """Whether *text* ends with one that selects the same CSRs: to make it longer would come to the same."""
        ends = (text[start:] for start in range(1, len(text))) if self.meaning.match is Match.SUBSTRING else ()
        return any(self._members.get(end) == self._members[text] for end in ends)

    def _longer_than(self, text: str) -> list[str]:
        if text not in self._longer and len(text) < MAX_NAME:
            self._longer[text] = []
            self._grow(text, self._positions.pop(text))
        return self._longer.get(text, [])


def longer_texts(meaning: Meaning, text: str, names: Sequence[str], among: Iterable[int]) -> dict[str, list[int]]:
    """The texts longer than *text* by one character, or the words, and which of the names *among* have each."""
    match meaning.match:
        case Match.WORD:
            ends = _words(names, among) if not text else {}
        case Match.PREFIX:
            ends = _next_characters(text, names, among)
        case _:
            ends = _characters_after(text, names, among)
    return {text + end: indexes for end, indexes in ends.items() if end and all(map(meaning.can_ask, end))}


def _words(names: Sequence[str], among: Iterable[int]) -> Mapping[str, list[int]]:
    ends: defaultdict[str, list[int]] = defaultdict(list)
    for index in among:
        for word in set(words(names[index])):
            if len(word) <= MAX_NAME:
                ends[word].append(index)
    return ends


def _next_characters(text: str, names: Sequence[str], among: Iterable[int]) -> Mapping[str, list[int]]:
    ends: defaultdict[str, list[int]] = defaultdict(list)
    for index in among:
        ends[names[index][len(text) : len(text) + 1]].append(index)
    return ends


def _characters_after(text: str, names: Sequence[str], among: Iterable[int]) -> Mapping[str, list[int]]:
    """What follows each occurrence of *text*; most of the time to plan is spent here."""
    ends: defaultdict[str, list[int]] = defaultdict(list)
    length = len(text)
    for index in among:
        name = names[index]
        start = name.find(text)
        while start >= 0:
            indexes = ends[name[start + length : start + length + 1]]
            if not indexes or indexes[-1] != index:
                indexes.append(index)
            start = name.find(text, start + 1)
    return ends
