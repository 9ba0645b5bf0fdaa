"""The CSRs that are known while the list is divided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from csr_exporter.inventory import Csr
from csr_exporter.listing.grams import Grams
from csr_exporter.listing.names import Meaning
from csr_exporter.listing.pages import Slice


class Known:
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
        self.grams = Grams(meaning, exhausted)
        for csr in self.csrs.values():
            self.grams.see(csr.name)
        for csr in self.waiting.values():
            self.grams.expect(csr.name)

    def read(self, csrs: Iterable[Csr]) -> None:
        """Take note of what was read."""
        for csr in csrs:
            if csr.id not in self.csrs:
                self.csrs[csr.id] = csr
                self.of[csr.algorithm] += 1
                self.grams.see(csr.name)
                self._forget(csr.id)

    def number(self, part: Slice) -> int:
        """How many of the CSRs read are in *part*."""
        if part.name is None:
            return self.of[part.algorithm or ""]
        if part.algorithm is None:
            return self.grams.seen(part.name)
        return sum(self._is_in(part, csr) for csr in self.csrs.values())

    def exhaust(self, part: Slice) -> None:
        """All of *part* was read: what is remembered of it and was not read is gone."""
        for csr in [csr for csr in self.waiting.values() if self._is_in(part, csr)]:
            self._forget(csr.id)
        if part.name is not None and part.algorithm is None:
            self.grams.exhaust(part.name)

    def _forget(self, identity: str) -> None:
        if (csr := self.waiting.pop(identity, None)) is not None:
            self.grams.expect(csr.name, -1)

    def _is_in(self, part: Slice, csr: Csr) -> bool:
        return part.algorithm in {None, csr.algorithm} and (
            part.name is None or self._meaning.selects(part.name, csr.name)
        )
