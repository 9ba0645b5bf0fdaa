"""Reading what one walk cannot reach: slice by slice, each small enough to be read whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from csr_exporter.inventory import DOCUMENTED_ALGORITHMS, Csr, Reason, SourceError
from csr_exporter.listing.found import Found
from csr_exporter.listing.names import MAX_NAME, Match, NameFilter
from csr_exporter.listing.pages import Slice
from csr_exporter.listing.plan import CHARACTERS, Choice, Plan, longer_texts
from csr_exporter.listing.reader import Reader
from csr_exporter.listing.walk import Walk

TOO_LITTLE = 0.01
"""Fewer unread CSRs than this per request are not worth asking for; the last few are searched for in another way."""


class Division:
    """One division of the list. *out_of_reach* CSRs have no id and are not looked for.

    *slices* are those that showed CSRs which none before them did, with the number of pages that took.
    """

    def __init__(self, reader: Reader, names: NameFilter, found: Found, out_of_reach: int) -> None:
        self._reader = reader
        self._names = names
        self._out_of_reach = out_of_reach
        self._asked: set[Slice] = set()
        self._walks: dict[str, Walk] = {}
        self._expected = self._gained = 0.0
        self.found = found
        self.exhausted: list[Slice] = []
        self.slices: list[tuple[Slice, int]] = []

    @property
    def unread(self) -> int:
        """How many CSRs are still to be found."""
        return (self._reader.total or 0) - self._out_of_reach - len(self.found.csrs)

    @property
    def contradicted(self) -> bool:
        """Whether the service counts fewer CSRs in a slice than were read of it: then they were not there together."""
        if not self._names.certain:
            return False
        totals = ((part, self._reader.total_of(part)) for part in self._asked)
        return any(total is not None and self.found.number(part) > total for part, total in totals)

    def replay(self, slices: Sequence[tuple[Slice, int]]) -> None:
        """Read again what showed the list at the last poll. Planning would choose much the same, and take longer."""
        for part, pages in slices:
            if self.unread <= 0:
                return
            self._read(part, partial(_has_fewer_pages, pages))

    def count(self) -> None:
        """Begin to read each algorithm, so that its total is known, until the totals explain the whole list."""
        for algorithm in self.algorithms(self.found.csrs):
            if sum(self._reader.counts.values()) == self._reader.total or not self._reader.filters_algorithms:
                return
            part = Slice(algorithm=algorithm)
            if part not in self._asked:
                walk = self._read(part, lambda _walk: False)
                if walk is not None:
                    self._walks[algorithm] = walk

    @staticmethod
    def algorithms(listed: Mapping[str, Csr]) -> list[str]:
        """Those one can ask for, the frequent first: where few of them explain the list, few requests do."""
        number = Counter(csr.algorithm for csr in listed.values())
        return sorted(DOCUMENTED_ALGORITHMS, key=lambda each: -number[each])

    def run(self) -> None:
        """Read until nothing is left, or nothing that would be worth a request."""
        self._walk_algorithms(fitting=True)
        if self.found.meaning.match is Match.EXACT:  # names that are not known cannot be asked for
            self._walk_algorithms(fitting=False)
        plan = None
        while self.unread > 0 and self._names.usable:
            if plan is None or plan.meaning != self.found.meaning:
                plan = Plan(self.found, self._asked, self._window)
            choice = self._choose(plan)
            if choice is None:
                break
            gained = len(self.found.csrs)
            self._read(choice.part, self._lacks)
            self._expected += choice.expected
            self._gained += len(self.found.csrs) - gained
        self._walk_algorithms(fitting=False)

    def search(self) -> None:
        """Look for the last few CSRs by what the service counts beyond those that are known."""
        counts = self._reader.counts
        lacks = {
            algorithm: total - self.found.number(Slice(algorithm=algorithm)) for algorithm, total in counts.items()
        }
        lacking = [algorithm for algorithm, lack in lacks.items() if lack > 0]
        unexplained = self.unread - sum(lacks[each] for each in lacking)
        for algorithm in [*lacking, None] if unexplained > 0 else lacking:
            if self._names.usable and self.found.meaning.match is not Match.EXACT:
                self._search(algorithm)

    def _search(self, algorithm: str | None) -> None:
        """Go from text to longer text, as long as it selects more CSRs than are known.

        A name that lacks is in the slices of most of its characters, so the frequent ones are tried first: they tell
        most, and where the service counts more than is known, all the further ones are left.
        """
        pending = [Slice(algorithm=algorithm)]
        while pending:
            part = pending.pop()
            for longer in self._longer(part):
                if self.unread <= 0 or self._lack_of(part) <= 0:
                    break
                if longer not in self._asked and not self.found.is_covered(longer.name or ""):
                    self._read(longer, self._fits)
                if self._lack_of(longer) > 0 and longer not in pending:
                    pending.append(longer)
                if self._lack_of(longer) == self._lack_of(part):
                    break

    def _longer(self, part: Slice) -> list[Slice]:
        """The slices of texts longer by one character; none where no character tells the names apart."""
        names = sorted({self.found.meaning.text(csr.name) for csr in self.found.csrs_in(part)})
        text = part.name or ""
        if part.name is not None and (len(names) <= 1 or len(text) >= MAX_NAME):
            return []
        known = longer_texts(self.found.meaning, text, names, range(len(names)))
        usual = [] if self.found.meaning.match is Match.WORD else self.found.meaning.text(CHARACTERS)
        askable = [each for each in usual if self.found.meaning.can_ask(each)]
        further = [text + each for each in askable]
        # What names that end with the text have before it tells those apart.
        before = [each + text for each in askable if text and self.found.meaning.match is Match.SUBSTRING]
        texts = dict.fromkeys([*sorted(known, key=lambda each: (-len(known[each]), each)), *further, *before])
        return [replace(part, name=each) for each in texts if each == each.strip()]

    def _lack_of(self, part: Slice) -> int:
        """How many CSRs the service counts in *part* beyond those that are known; 0 where that is not known."""
        total = self._reader.total_of(part)
        return 0 if total is None else total - self.found.number(part)

    def _fits(self, walk: Walk) -> bool:
        return self._lacks(walk) and (walk.size or 0) <= self._window

    def _walk_algorithms(self, *, fitting: bool) -> None:
        """Read each algorithm on, those first that fit the window."""
        for walk in self._walks.values():
            if ((walk.total or 0) <= self._window) is fitting and self._reader.filters_algorithms:
                self._finish(walk, self._lacks)

    def _choose(self, plan: Plan) -> Choice | None:
        choice = plan.best(self.unread)
        # What lately came of expectations tells how far to believe the next one.
        trust = (self._gained + 1) / (self._expected + 1)
        if choice is not None and choice.rate * trust >= TOO_LITTLE:
            return choice
        return None if self._located() else plan.surprise()

    def _located(self) -> bool:
        """Whether one slice is known to hold all that is unread, so that it need not be looked for elsewhere."""
        parts = [part for part in self._asked if part.algorithm is None]
        totals = ((part, self._reader.total_of(part)) for part in parts)
        return any(total and total - self.found.number(part) == self.unread for part, total in totals)

    @property
    def _window(self) -> int:
        window = self._reader.window
        return self._reader.total or 0 if window is None else window

    def _read(self, part: Slice, wanted: Callable[[Walk], bool]) -> Walk | None:
        """Read a slice as far as it is *wanted*; None when the service refuses the filter."""
        self._asked.add(part)
        before = len(self.found.csrs)
        try:
            walk = Walk(self._reader, part)
        except SourceError as error:
            if error.reason is not Reason.BAD_REQUEST:
                raise
            # A service that has accepted other names only dislikes this one.
            if part.name is not None and not any(each.name for each in self._reader.totals):
                self._names.refuse()
            return None
        self._finish(walk, wanted, before)
        return walk

    def _finish(self, walk: Walk, wanted: Callable[[Walk], bool], before: int | None = None) -> None:
        before = len(self.found.csrs) if before is None else before
        while self._learn(walk) and wanted(walk) and self.unread > 0 and walk.advance():
            pass
        if walk.exhausted and walk.total is not None and walk.rows < walk.total <= self._window:
            self._question(walk)
        if walk.whole:
            self._out_of_reach = max(self._out_of_reach, walk.nameless)
            self.exhausted.append(walk.part)
        if walk.whole or not self._lacks(walk):
            self.found.exhaust(walk.part)
        if len(self.found.csrs) > before:
            self.slices = [each for each in self.slices if each[0] != walk.part] + [(walk.part, walk.pages)]

    def _question(self, walk: Walk) -> None:
        """The service counts more in a slice than it shows. If it does so again, that is how it counts."""
        before = walk.total
        if self._reader.ask(walk.part).total == before:
            self._reader.habits = replace(self._reader.habits, counts_slices=False)

    def _learn(self, walk: Walk) -> bool:
        """Take note of a page; False when the filter proves to be something else than it was taken for."""
        self.found.read(walk.page.csrs)
        wanted = walk.part.name
        if wanted is None:
            return True
        changed = self._names.learn(wanted, walk.page.csrs)
        total = walk.total
        if not changed and total is not None and self.found.number(walk.part) > total:
            members = self.found.csrs_in(Slice(algorithm=walk.part.algorithm))
            changed = self._names.limit(wanted, total, [csr.name for csr in members])
        if changed:
            self.found.interpret(self._names.meaning)
        return not changed

    def _lacks(self, walk: Walk) -> bool:
        """Whether there is something left to be read in the slice."""
        return walk.size is None or self.found.number(walk.part) < walk.size


def _has_fewer_pages(pages: int, walk: Walk) -> bool:
    return walk.pages < pages
