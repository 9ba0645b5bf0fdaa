"""The texts that names contain, as far as they select few enough names to be worth asking for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from csr_exporter.listing.names import MAX_NAME, Match, Meaning

RARER = 0.2
"""How much rarer unread names are that contain one more text of which every name was read.

A name in which several such texts occur shows that its like is well covered; one that a single text has brought, that
more of its like may be around.
"""


LAST_START = 64
"""Texts that begin later in a name are not looked at: the service stores names of up to 63 characters, and absurdly
long ones shall not cost more than others.
"""


@dataclass(eq=False, slots=True)
class Name:
    """A name: how many CSRs read have it, how many remembered ones, and the weight of its like among unread ones."""

    text: str
    seen: int = 0
    waiting: int = 0
    weight: float = 1.0


@dataclass(eq=False, slots=True)
class Gram:
    """A text, and the sums over the names that contain it. *longer* is None until somebody needs longer texts."""

    text: str
    seen: int = 0
    waiting: int = 0
    weight: float = 0.0
    longer: dict[str, Gram] | None = None
    occurrences: list[tuple[Name, int]] = field(default_factory=list)

    def add(self, seen: int, waiting: int, weight: float) -> None:
        self.seen += seen
        self.waiting += waiting
        self.weight += weight


class Grams:
    """A tree of texts by their characters, grown where it is looked at: its size goes with the number of names.

    Names are taken as *meaning* sees them, and texts start where it lets them. Every name that contains one of those
    *exhausted* was read.
    """

    def __init__(self, meaning: Meaning, exhausted: Iterable[str] = ()) -> None:
        self._meaning = meaning
        self._names: dict[str, Name] = {}
        self.exhausted = set(exhausted)
        self.weight = 0.0
        self._root = Gram("", longer={})

    def see(self, name: str) -> None:
        """One more CSR of that name was read."""
        self._change(self._name(name), seen=1)

    def expect(self, name: str, number: int = 1) -> None:
        """One more (or less) CSR of that name is remembered and waits to be read."""
        self._change(self._name(name), waiting=number)

    def exhaust(self, text: str) -> None:
        """Every name that contains *text* was read."""
        self.exhausted.add(text)
        for name in self._names.values():
            if self._meaning.holds(text, name.text):
                self._change(name, factor=RARER)

    def is_covered(self, text: str) -> bool:
        """Whether every name that contains *text* was read because a part of the text was exhausted."""
        return any(self._meaning.holds(part, text) for part in self.exhausted)

    def seen(self, text: str) -> int:
        """How many of the CSRs read are selected by *text*."""
        if self._meaning.match is Match.EXACT:
            return self._names[text].seen if text in self._names else 0
        gram: Gram | None = self._root
        while gram is not None and gram.text != text:
            self.longer(gram)
            gram = (gram.longer or {}).get(text[len(gram.text)])
        return gram.seen if gram else 0

    def expected_names(self) -> Iterator[tuple[str, int]]:
        """The names that remembered CSRs have, as far as they can be asked for, and how many have each."""
        for name in self._names.values():
            if name.waiting and 0 < len(name.text) <= MAX_NAME and all(map(self._meaning.can_ask, name.text)):
                yield name.text, name.waiting

    def shortest(self) -> list[Gram]:
        return self.longer(self._root)

    def longer(self, gram: Gram) -> list[Gram]:
        """The texts that go on from *gram* by one character."""
        if gram.longer is None:
            gram.longer = {}
            for name, position in gram.occurrences:
                self._place(gram, name, position)
            gram.occurrences.clear()
        return list(gram.longer.values())

    def _name(self, name: str) -> Name:
        text = self._meaning.text(name)
        known = self._names.get(text)
        if known is None:
            known = self._names[text] = Name(text)
            known.weight = RARER ** sum(self._meaning.holds(part, text) for part in self.exhausted)
            for position in self._starts(text):
                self._place(self._root, known, position)
        return known

    def _starts(self, text: str) -> range:
        return range(min(len(text), LAST_START) if self._meaning.match is Match.SUBSTRING else 1)

    def _place(self, gram: Gram, name: Name, position: int) -> None:
        """Enter *name* into the texts longer than *gram* that occur in it at *position*."""
        while gram.longer is not None:
            end = position + len(gram.text)
            if end >= len(name.text) or len(gram.text) >= MAX_NAME or not self._meaning.can_ask(name.text[end]):
                return
            longer = gram.longer.get(name.text[end])
            if longer is None:
                longer = gram.longer[name.text[end]] = Gram(gram.text + name.text[end])
            gram = longer
            if name.text.find(gram.text) == position:
                gram.add(name.seen, name.waiting, name.seen * name.weight)
        gram.occurrences.append((name, position))

    def _change(self, name: Name, seen: int = 0, waiting: int = 0, factor: float = 1.0) -> None:
        before = name.seen * name.weight
        name.seen += seen
        name.waiting += waiting
        name.weight *= factor
        change = name.seen * name.weight - before
        self.weight += change
        for gram in self._containing(name.text):
            gram.add(seen, waiting, change)

    def _containing(self, text: str) -> Iterator[Gram]:
        """The texts of the tree that *text* contains, each once."""
        for position in self._starts(text):
            gram: Gram | None = self._root
            while gram is not None and gram.longer is not None:
                end = position + len(gram.text)
                gram = gram.longer.get(text[end : end + 1])
                if gram is not None and text.find(gram.text) == position:
                    yield gram
