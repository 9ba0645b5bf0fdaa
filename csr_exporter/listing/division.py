"""Reading what one walk cannot reach: slice by slice, each small enough to be read whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from csr_exporter.inventory import Csr, Reason, SourceError
from csr_exporter.listing.attempt import Attempt
from csr_exporter.listing.names import NameFilter
from csr_exporter.listing.pages import WHOLE, Slice
from csr_exporter.listing.plan import Choice, Plan, Situation
from csr_exporter.listing.texts import Found
from csr_exporter.listing.walk import Walk

TOO_LITTLE = 0.01
"""Fewer unread CSRs than this per request are not worth asking for: names do not separate those that are left."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a division starts from.

    What is *given* counts as read; so do all names that contain a text *exhausted*. What is *waiting* is remembered
    from earlier and helps to plan. So many as are *out_of_reach* are not looked for.
    """

    given: Mapping[str, Csr]
    waiting: Mapping[str, Csr]
    exhausted: frozenset[str] = frozenset()
    out_of_reach: int = 0


class Division:
    """One division of the list. *walks* are those begun for each algorithm."""

    def __init__(self, attempt: Attempt, names: NameFilter, walks: Mapping[str, Walk], task: Task) -> None:
        self._attempt = attempt
        self._names = names
        self._walks = walks
        self._out_of_reach = task.out_of_reach
        self._asked: set[Slice] = set()
        self._expected = self._gained = 0.0
        self.found = Found(names.meaning, {**task.given, **attempt.csrs}, task.waiting, task.exhausted)
        self._plan = Plan(names.meaning, self.found.texts, self._asked)

    @property
    def unread(self) -> int:
        """How many CSRs are still to be found."""
        return self._attempt.sizes[WHOLE] - self._out_of_reach - len(self.found.csrs)

    def run(self) -> None:
        """Read until nothing is left, or nothing that would be worth a request."""
        self._walk_algorithms(fitting=True)
        while self.unread > 0 and (choice := self._next()):
            self._read(choice)
        self._walk_algorithms(fitting=False)

    def _walk_algorithms(self, *, fitting: bool) -> None:
        """Read each algorithm on, those first that fit the window."""
        for algorithm, walk in self._walks.items():
            if (self._attempt.counts[algorithm] <= self._window) is not fitting:
                continue
            while self.unread > 0 and self._unread_of(algorithm) and walk.advance(self._attempt.paging):
                self.found.read(self._attempt.take_new())
            if not self._unread_of(algorithm):
                self.found.exhaust(Slice(algorithm=algorithm))

    def _next(self) -> Choice | None:
        if not self._names.usable:
            return None
        choice = self._plan.best(self._situation())
        if choice is not None and choice.rate * self._trust() >= TOO_LITTLE:
            return choice
        return None if self._located() else self._plan.surprise()

    def _trust(self) -> float:
        """How many CSRs were found for each that was expected."""
        return (self._gained + 1) / (self._expected + 1)

    def _located(self) -> bool:
        """Whether one slice is known to hold all that is unread, so that it need not be looked for elsewhere."""
        return any(
            part.algorithm is None and self._attempt.sizes.get(part, 0) - self.found.number(part) == self.unread
            for part in self._asked
        )

    def _situation(self) -> Situation:
        return Situation(self.unread, len(self.found.waiting), self._window)

    @property
    def _window(self) -> int:
        window = self._attempt.paging.window
        return self._attempt.sizes[WHOLE] if window is None else window

    def _unread_of(self, algorithm: str) -> int:
        return max(0, self._attempt.counts[algorithm] - self.found.of[algorithm])

    def _read(self, choice: Choice) -> None:
        """Read a slice as far as it is worth it."""
        before = len(self.found.csrs)
        self._asked.add(choice.part)
        try:
            walk = Walk(self._attempt, choice.part)
        except SourceError as error:
            self._refused(error)
            return
        # The first page alone may tell that nothing new is there, or that the filter means something else.
        while self._learn(walk) and self._lacks(walk) and walk.advance(self._attempt.paging):
            pass
        self._expected += choice.expected
        self._gained += len(self.found.csrs) - before

    def _refused(self, error: SourceError) -> None:
        """A service that has accepted names before does not accept this one; else it accepts none."""
        if error.reason is not Reason.BAD_REQUEST:
            raise error
        if not any(part.name is not None for part in self._attempt.sizes):
            self._names.refuse()

    def _learn(self, walk: Walk) -> bool:
        """Take note of a page; False when the filter proves to be something else than it was taken for."""
        part, size = walk.part, walk.size
        self.found.read(self._attempt.take_new())
        if not self._explained(walk):
            return False
        if size is not None and (walk.whole or self.found.number(part) >= size):
            self._out_of_reach = max(self._out_of_reach, walk.nameless)
            self.found.exhaust(part)
        return True

    def _explained(self, walk: Walk) -> bool:
        """Whether the filter means what it was taken to mean."""
        before = self._names.meaning
        wanted = walk.part.name or ""
        if not self._names.explains(wanted, walk.page.csrs):
            return False
        # More CSRs known to be in the slice than the service counts: some of them are gone, or the reading is wrong.
        if self._names.meaning == before and walk.size is not None and self.found.number(walk.part) > walk.size:
            members = [csr for csr in self.found.csrs.values() if walk.part.algorithm in {None, csr.algorithm}]
            if not self._names.allows(wanted, walk.size, members):
                self._attempt.tear()
        if self._names.meaning != before:
            self.found.index(self._names.meaning)
            self._plan = Plan(self._names.meaning, self.found.texts, self._asked)
            return False
        return True

    def _lacks(self, walk: Walk) -> bool:
        """Whether there is something left to be read in the slice."""
        return self.unread > 0 and (walk.size is None or self.found.number(walk.part) < walk.size)
