"""The CSRs found while the list is divided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from csr_exporter.inventory import Csr
from csr_exporter.listing.names import Meaning
from csr_exporter.listing.pages import Slice


class Found:
    """The CSRs *read*, and those *waiting*: remembered from earlier polls, perhaps gone.

    *exhausted* are texts all of whose CSRs were read, and *covered* says how many of them each name contains.
    """

    def __init__(
        self, meaning: Meaning, read: Mapping[str, Csr], waiting: Mapping[str, Csr], exhausted: Iterable[str] = ()
    ) -> None:
        self.csrs = dict(read)
        self.of = Counter(csr.algorithm for csr in read.values())
        self.waiting = {identity: csr for identity, csr in waiting.items() if identity not in read}
        self.interpret(meaning, exhausted)

    def interpret(self, meaning: Meaning, exhausted: Iterable[str] = ()) -> None:
        """Take names as *meaning* sees them."""
        self.meaning = meaning
        self._numbers: dict[Slice, tuple[int, int]] = {}
        known = (*self.csrs.values(), *self.waiting.values())
        self.texts = {csr.id: meaning.text(csr.name) for csr in known}
        self.exhausted: dict[str, None] = {}
        self.covered: Counter[str] = Counter()
        for text in exhausted:
            self.exhaust(Slice(name=text))

    def read(self, csrs: Iterable[Csr]) -> int:
        """Take note of what was read, and tell how many CSRs were not known to be there."""
        new = [csr for csr in csrs if csr.id not in self.csrs]
        for csr in new:
            self.csrs[csr.id] = csr
            self.of[csr.algorithm] += 1
            self.waiting.pop(csr.id, None)
            text = self.texts[csr.id] = self.meaning.text(csr.name)
            self.covered[csr.id] = sum(self.meaning.holds(part, text) for part in self.exhausted)
        return len(new)

    def members(self, part: Slice, among: Mapping[str, Csr]) -> list[Csr]:
        """Those CSRs that *part* selects."""
        ids = self.texts if part.name is None else self.meaning.selected(part.name, self.texts)
        csrs = (among[identity] for identity in ids if identity in among)
        return [csr for csr in csrs if part.algorithm in {None, csr.algorithm}]

    def number(self, part: Slice) -> int:
        """How many of the CSRs read are in *part*."""
        if part.name is not None:
            known = len(self.csrs)
            if self._numbers.get(part, (-1, 0))[0] != known:  # asked for several times after each page
                self._numbers[part] = known, len(self.members(part, self.csrs))
            return self._numbers[part][1]
        return len(self.csrs) if part.algorithm is None else self.of[part.algorithm]

    def exhaust(self, part: Slice) -> None:
        """All of *part* was read: what is remembered of it and was not read is gone."""
        for csr in self.members(part, self.waiting):
            del self.waiting[csr.id]
        if part.name is not None and part.algorithm is None:
            self.exhausted[part.name] = None
            self.covered.update(csr.id for csr in self.members(part, self.csrs))

    def is_covered(self, text: str) -> bool:
        """Whether every name that contains *text* was read because a part of the text was exhausted."""
        return any(self.meaning.holds(part, text) for part in self.exhausted)
