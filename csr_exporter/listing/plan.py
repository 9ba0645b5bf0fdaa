"""Which slice to read next: the one that should bring the most unread CSRs per request."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import ceil, exp
from string import ascii_letters, digits

from csr_exporter.listing.names import Match, Meaning
from csr_exporter.listing.pages import PAGE_SIZE, Slice
from csr_exporter.listing.texts import Text, Texts

TOO_LARGE = 3
"""How steeply a slice loses worth that does not fit the window: what it does not show has to be asked for again.

Set by ``python -m tests.requests_table --constants``: 1 costs 75 % more requests, and 2 to 6 differ by 3 %.
"""

REPLAN = 16
"""After so many choices all texts are valued anew; in between, only those that seem best."""

CHARACTERS = ascii_letters + digits + "-_."
"""What names are usually made of."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known before a choice: how many CSRs are unread, and how many of those are remembered from earlier.

    *window* bounds how many CSRs one slice shows.
    """

    unread: int
    waiting: int
    window: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A slice to read, the unread CSRs expected to be found in it, and how many of them per request."""

    part: Slice
    expected: float
    rate: float


class Plan:
    """Values the texts in *texts*, and chooses the best that is not in *asked*."""

    def __init__(self, meaning: Meaning, texts: Texts, asked: Collection[Slice]) -> None:
        self._meaning = meaning
        self._texts = texts
        self._asked = asked
        self._queue: list[tuple[float, int, str, Text]] = []
        self._choices = 0

    def best(self, situation: Situation) -> Choice | None:
        """The slice of most worth; None when there is nothing left to ask for."""
        if self._meaning.match is Match.EXACT:
            return self._remembered_name()
        values = _Values(situation, self._texts.weight)
        choice = self._first(values) if self._choices % REPLAN else None
        self._choices += 1
        if choice is None:
            self._queue = [_entry(values, node) for node in self._candidates(values)]
            heapq.heapify(self._queue)
            choice = self._first(values)
        return choice

    def surprise(self) -> Choice | None:
        """A character that no name is known to have, for when the known ones explain too little."""
        if self._meaning.match is Match.EXACT:
            return None
        known = {node.text for node in self._texts.shortest()}
        for character in dict.fromkeys(self._meaning.text(CHARACTERS)):
            part = Slice(name=character)
            if character not in known and part not in self._asked and self._meaning.can_ask(character):
                return Choice(part, 0.0, 0.0)
        return None

    def _remembered_name(self) -> Choice | None:
        """Where names have to be known whole, those remembered are all there is to ask for."""
        for name, number in self._texts.expected_names():
            part = Slice(name=name)
            if part not in self._asked:
                return Choice(part, number, number)
        return None

    def _first(self, values: _Values) -> Choice | None:
        """The first in the queue that is still worth more than the next, now that more is known."""
        while self._queue:
            *_, text, node = heapq.heappop(self._queue)
            part = Slice(name=text)
            if part in self._asked or self._texts.is_covered(text) or self._is_twin(node):
                continue
            # Worth only falls as more is read, so an old value at the top is too high, and never hides a better one.
            entry = _entry(values, node)
            if not self._queue or entry <= self._queue[0]:
                return Choice(part, values.found(node), -entry[0]) if entry[0] < 0 else None
            heapq.heappush(self._queue, entry)
        return None

    def _is_twin(self, node: Text) -> bool:
        """Whether a slice that was too large selected, as far as is known, the same names: then it showed the same."""
        return any(
            each.name is not None
            and (each.name in node.text or node.text in each.name)
            and self._texts.seen(each.name) == node.seen
            for each in self._asked
        )

    def _candidates(self, values: _Values) -> Iterator[Text]:
        """Texts down to the size of a page: nothing is gained by longer ones."""
        texts = self._texts.shortest()
        while texts:
            node = texts.pop()
            if node.text in self._texts.exhausted or values.expected(node) <= 0:
                continue
            if node.text == node.text.strip():
                yield node
            if values.size(node) > PAGE_SIZE:
                texts.extend(self._texts.longer(node))


class _Values:
    """What reading the names that contain a text is worth in one situation."""

    def __init__(self, situation: Situation, weight: float) -> None:
        self.window = situation.window
        unknown = max(0, situation.unread - situation.waiting)
        self._per_weight = unknown / weight if weight > 0 else 0.0
        self._per_waiting = min(1.0, situation.unread / situation.waiting) if situation.waiting else 0.0

    def expected(self, node: Text) -> float:
        """How many unread CSRs the slice should have."""
        return node.waiting * self._per_waiting + node.weight * self._per_weight

    def size(self, node: Text) -> float:
        """How many CSRs the slice should have."""
        return node.seen + self.expected(node)

    def found(self, node: Text) -> float:
        """How many unread CSRs the window should show."""
        size = self.size(node)
        share = 1.0 if size <= self.window else (self.window / size) ** TOO_LARGE
        return share * self.expected(node)

    def rate(self, node: Text) -> float:
        """How many unread CSRs a request should bring. If the first page tells that there are none, it is the last."""
        found = self.found(node)
        further_pages = ceil(min(self.size(node), self.window) / PAGE_SIZE) - 1
        return found / (1 + further_pages * (1 - exp(-found)))


def _entry(values: _Values, node: Text) -> tuple[float, int, str, Text]:
    """Of equal worth, the shorter text first: it may bring names that were not thought of."""
    return -values.rate(node), len(node.text), node.text, node
