"""The CSRs found while the list is divided, and the texts in their names that one may ask for next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from csr_exporter.inventory import Csr
from csr_exporter.listing.names import MAX_NAME, Match, Meaning
from csr_exporter.listing.pages import Slice

RARER = 0.2
"""How much rarer unread names are that contain one more text of which every name was read.

A name in which several such texts occur shows that its like is well covered; one that a single text has brought, that
more of its like may be around. Set by ``python -m tests.requests_table --constants``: 1, which ignores this, costs
62 % more requests.
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
class Text:
    """A text, and the sums over the names that contain it. *longer* is None until somebody needs longer texts."""

    text: str
    seen: int = 0
    waiting: int = 0
    weight: float = 0.0
    longer: dict[str, Text] | None = None
    occurrences: list[tuple[Name, int]] = field(default_factory=list)

    def add(self, seen: int, waiting: int, weight: float) -> None:
        self.seen += seen
        self.waiting += waiting
        self.weight += weight


class Texts:
    """A tree of texts by their characters, grown where it is looked at: its size goes with the number of names.

    Names are taken as *meaning* sees them, and texts start where it lets them. Every name that contains one of those
    *exhausted* was read.
    """

    def __init__(self, meaning: Meaning, exhausted: Iterable[str] = ()) -> None:
        self._meaning = meaning
        self._names: dict[str, Name] = {}
        self.exhausted = set(exhausted)
        self.weight = 0.0
        self._root = Text("", longer={})

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
        node: Text | None = self._root
        while node is not None and node.text != text:
            self.longer(node)
            node = (node.longer or {}).get(text[len(node.text)])
        return node.seen if node else 0

    def expected_names(self) -> Iterator[tuple[str, int]]:
        """The names that remembered CSRs have, as far as they can be asked for, and how many have each."""
        for name in self._names.values():
            if name.waiting and 0 < len(name.text) <= MAX_NAME and all(map(self._meaning.can_ask, name.text)):
                yield name.text, name.waiting

    def shortest(self) -> list[Text]:
        return self.longer(self._root)

    def longer(self, node: Text) -> list[Text]:
        """The texts that go on from *node* by one character."""
        if node.longer is None:
            node.longer = {}
            for name, position in node.occurrences:
                self._place(node, name, position)
            node.occurrences.clear()
        return list(node.longer.values())

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

    def _place(self, node: Text, name: Name, position: int) -> None:
        """Enter *name* into the texts longer than *node* that occur in it at *position*."""
        while node.longer is not None:
            end = position + len(node.text)
            if end >= len(name.text) or len(node.text) >= MAX_NAME or not self._meaning.can_ask(name.text[end]):
                return
            longer = node.longer.get(name.text[end])
            if longer is None:
                longer = node.longer[name.text[end]] = Text(node.text + name.text[end])
            node = longer
            # A name counts once in a text, however often the text occurs in it.
            if name.text.find(node.text) == position:
                node.add(name.seen, name.waiting, name.seen * name.weight)
        node.occurrences.append((name, position))

    def _change(self, name: Name, seen: int = 0, waiting: int = 0, factor: float = 1.0) -> None:
        before = name.seen * name.weight
        name.seen += seen
        name.waiting += waiting
        name.weight *= factor
        change = name.seen * name.weight - before
        self.weight += change
        for node in self._containing(name.text):
            node.add(seen, waiting, change)

    def _containing(self, text: str) -> Iterator[Text]:
        """The texts of the tree that *text* contains, each once."""
        for position in self._starts(text):
            node: Text | None = self._root
            while node is not None and node.longer is not None:
                end = position + len(node.text)
                node = node.longer.get(text[end : end + 1])
                if node is not None and text.find(node.text) == position:
                    yield node


class Found:
    """The CSRs that were read, those *waiting* that are remembered from earlier, and the texts in the names of both."""

    def __init__(
        self,
        meaning: Meaning,
        read: Mapping[str, Csr],
        waiting: Mapping[str, Csr],
        exhausted: Iterable[str] = (),
    ) -> None:
        self.csrs = dict(read)
        self.of = Counter(csr.algorithm for csr in read.values())
        self.waiting = {identity: csr for identity, csr in waiting.items() if identity not in read}
        self.index(meaning, exhausted)

    def index(self, meaning: Meaning, exhausted: Iterable[str] = ()) -> None:
        """Take names as *meaning* sees them."""
        self._meaning = meaning
        self.texts = Texts(meaning, exhausted)
        for csr in self.csrs.values():
            self.texts.see(csr.name)
        for csr in self.waiting.values():
            self.texts.expect(csr.name)

    def read(self, csrs: Iterable[Csr]) -> None:
        """Take note of what was read."""
        for csr in csrs:
            if csr.id not in self.csrs:
                self.csrs[csr.id] = csr
                self.of[csr.algorithm] += 1
                self.texts.see(csr.name)
                self._forget(csr.id)

    def number(self, part: Slice) -> int:
        """How many of the CSRs read are in *part*."""
        if part.name is None:
            return self.of[part.algorithm or ""]
        if part.algorithm is None:
            return self.texts.seen(part.name)
        return sum(self._is_in(part, csr) for csr in self.csrs.values())

    def exhaust(self, part: Slice) -> None:
        """All of *part* was read: what is remembered of it and was not read is gone."""
        for csr in [csr for csr in self.waiting.values() if self._is_in(part, csr)]:
            self._forget(csr.id)
        if part.name is not None and part.algorithm is None:
            self.texts.exhaust(part.name)

    def _forget(self, identity: str) -> None:
        if (csr := self.waiting.pop(identity, None)) is not None:
            self.texts.expect(csr.name, -1)

    def _is_in(self, part: Slice, csr: Csr) -> bool:
        return part.algorithm in {None, csr.algorithm} and (
            part.name is None or self._meaning.selects(part.name, csr.name)
        )
