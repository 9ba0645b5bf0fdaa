"""Which slice to read next: the one that should bring the most unread CSRs per request."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import ceil, exp
from string import ascii_letters, digits

from csr_exporter.listing.grams import Gram, Grams
from csr_exporter.listing.names import Match, Meaning
from csr_exporter.listing.pages import PAGE_SIZE, Slice

SURPRISES = 0.02
"""The share of the unread CSRs taken to be new where those remembered would explain them all."""

TOO_LARGE = 3
"""How steeply a slice loses worth that does not fit the window: what it does not show has to be asked for again."""

SECOND_CHOICE = 0.5
"""The worth of adding an algorithm to a name: such slices overlap with more of the others than names alone do."""

REPLAN = 16
"""After so many choices all texts are valued anew; in between, only those that seem best."""

CHARACTERS = ascii_letters + digits + "-_."
"""What names are usually made of."""

NEGLIGIBLE = 0.001
"""Fewer expected CSRs than this are none."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known before a choice: how many CSRs there are, how many of them are unread, in all and by algorithm.

    *waiting* of the unread ones are remembered from earlier. *window* bounds what one slice shows.
    """

    size: int
    unread: int
    waiting: int
    window: int
    sizes: Mapping[str, int]
    unread_of: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Choice:
    """A slice to read, the unread CSRs expected to be found in it, and how many of them per request."""

    part: Slice
    expected: float
    rate: float


class Plan:
    """Values the texts in *grams*, and chooses the best that is not in *asked*."""

    def __init__(self, meaning: Meaning, grams: Grams, asked: Collection[Slice]) -> None:
        self._meaning = meaning
        self._grams = grams
        self._asked = asked
        self._queue: list[tuple[float, int, str, str, Gram]] = []
        self._choices = 0

    def best(self, situation: Situation) -> Choice | None:
        """The slice of most worth; None when there is nothing left to ask for."""
        if self._meaning.match is Match.EXACT:
            return self._remembered_name()
        values = _Values(situation, self._grams.weight)
        choice = self._first(values) if self._choices % REPLAN else None
        self._choices += 1
        if choice is None:
            self._queue = [_entry(values, algorithm, gram) for algorithm, gram in self._texts(values)]
            heapq.heapify(self._queue)
            choice = self._first(values)
        return choice

    def surprise(self) -> Choice | None:
        """A character that no name is known to have, for when the known ones explain too little."""
        if self._meaning.match is Match.EXACT:
            return None
        known = {gram.text for gram in self._grams.shortest()}
        for character in dict.fromkeys(self._meaning.text(CHARACTERS)):
            part = Slice(name=character)
            if character not in known and part not in self._asked and self._meaning.can_ask(character):
                return Choice(part, 0.0, 0.0)
        return None

    def _remembered_name(self) -> Choice | None:
        """Where names have to be known whole, those remembered are all there is to ask for."""
        for name, number in self._grams.expected_names():
            part = Slice(name=name)
            if part not in self._asked:
                return Choice(part, number, number)
        return None

    def _first(self, values: _Values) -> Choice | None:
        """The first in the queue that is still worth more than the next, now that more is known."""
        while self._queue:
            *_, text, algorithm, gram = heapq.heappop(self._queue)
            part = Slice(name=text, algorithm=algorithm or None)
            if part in self._asked or self._grams.is_covered(text) or self._is_twin(part, gram):
                continue
            entry = _entry(values, algorithm, gram)
            if not self._queue or entry <= self._queue[0]:
                return Choice(part, values.found(gram, algorithm), -entry[0]) if -entry[0] > NEGLIGIBLE else None
            heapq.heappush(self._queue, entry)
        return None

    def _is_twin(self, part: Slice, gram: Gram) -> bool:
        """Whether a slice that was too large selected, as far as is known, the same names: then it showed the same."""
        return any(
            each.algorithm == part.algorithm
            and each.name is not None
            and (each.name in gram.text or gram.text in each.name)
            and self._grams.seen(each.name) == gram.seen
            for each in self._asked
        )

    def _texts(self, values: _Values) -> Iterator[tuple[str, Gram]]:
        """Texts down to the size of a page, with an algorithm (or "") each: nothing is gained by longer ones."""
        texts = self._grams.shortest()
        while texts:
            gram = texts.pop()
            if gram.text in self._grams.exhausted or values.expected(gram) < NEGLIGIBLE:
                continue
            size = values.size(gram)
            if gram.text == gram.text.strip():
                yield "", gram
                if size > values.window:
                    yield from ((algorithm, gram) for algorithm in values.open_algorithms)
            if size > PAGE_SIZE:
                texts.extend(self._grams.longer(gram))


class _Values:
    """What reading the names that contain a text is worth in one situation."""

    def __init__(self, situation: Situation, weight: float) -> None:
        self._situation = situation
        self.window = situation.window
        self.open_algorithms = [
            algorithm
            for algorithm, unread in situation.unread_of.items()
            if unread > 0 and situation.sizes[algorithm] < situation.size
        ]
        unknown = max(situation.unread - situation.waiting, SURPRISES * situation.unread)
        self._per_weight = unknown / weight if weight > 0 else 0.0
        self._per_waiting = min(1.0, situation.unread / situation.waiting) if situation.waiting else 0.0

    def expected(self, gram: Gram, algorithm: str = "") -> float:
        """How many unread CSRs the slice should have."""
        expected = gram.waiting * self._per_waiting + gram.weight * self._per_weight
        if algorithm:
            return expected * self._situation.unread_of[algorithm] / self._situation.unread
        return expected

    def size(self, gram: Gram, algorithm: str = "") -> float:
        """How many CSRs the slice should have."""
        size = gram.seen + self.expected(gram)
        return size * self._situation.sizes[algorithm] / self._situation.size if algorithm else size

    def found(self, gram: Gram, algorithm: str = "") -> float:
        """How many unread CSRs the window should show."""
        size = self.size(gram, algorithm)
        share = 1.0 if size <= self.window else (self.window / size) ** TOO_LARGE
        return share * self.expected(gram, algorithm)

    def rate(self, gram: Gram, algorithm: str = "") -> float:
        """How many unread CSRs a request should bring. If the first page tells that there are none, it is the last."""
        found = self.found(gram, algorithm)
        further_pages = ceil(min(self.size(gram, algorithm), self.window) / PAGE_SIZE) - 1
        return (SECOND_CHOICE if algorithm else 1.0) * found / (1 + further_pages * (1 - exp(-found)))


def _entry(values: _Values, algorithm: str, gram: Gram) -> tuple[float, int, str, str, Gram]:
    """Of equal worth, the shorter text first: it may bring names that were not thought of."""
    return -values.rate(gram, algorithm), len(gram.text), gram.text, algorithm, gram
