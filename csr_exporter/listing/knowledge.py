"""What goes into a poll, what comes out of it, and what one poll remembers for the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from csr_exporter.inventory import Csr, Inventory, OffsetMode, Rejection
from csr_exporter.listing.names import Meaning
from csr_exporter.listing.pages import Slice
from csr_exporter.listing.proof import Top


@dataclass(frozen=True, slots=True)
class Limits:
    """What the account's configuration allows.

    *offset_mode* is what an offset means: None to find out, `OffsetMode.UNTESTED` never to send one. *max_offset* is
    the largest that may be sent, None for any. *max_requests* bounds one poll.
    """

    offset_mode: OffsetMode | None = None
    max_offset: int | None = 100
    max_requests: int = 500


@dataclass(frozen=True, slots=True)
class Habits:
    """How this service was found to behave.

    *counts_list* tells whether ``total`` counts the list rather than the page, None until that was tried;
    *counts_slices* whether it counts what a filter selects.
    """

    counts_list: bool | None = None
    counts_slices: bool = True


@dataclass(frozen=True, slots=True)
class Memory:
    """What a poll knew at its end.

    *csrs* were published, *fresh* of them read by this poll itself; *hints* were read earlier and may be gone. *top*
    and *since* are those of `Evidence`. *slices* are what showed the list, with the number of pages read of each.
    *interrupted*: the poll could not read everything. Names with one of the texts *exhausted* are all among *csrs*.
    *unfound* is the total and how many CSRs of it were searched for in vain. For so many polls as *doubts*, two whole
    readings have to agree, and for so many as *splits* one page has to show the list. *newest* is the latest creation
    time in a complete list that comes newest first.
    """

    csrs: Mapping[str, Csr] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    hints: Mapping[str, Csr] = field(default_factory=dict)
    top: Top | None = None
    since: Mapping[str, Csr] = field(default_factory=dict)
    slices: tuple[tuple[Slice, int], ...] = ()
    interrupted: bool = False
    exhausted: frozenset[str] = frozenset()
    unfound: tuple[int, int] | None = None
    doubts: int = 0
    splits: int = 0
    newest: float | None = None

    @property
    def seen(self) -> Mapping[str, Csr]:
        """All CSRs that were seen, as they were then."""
        return {**self.hints, **self.csrs} if self.hints else self.csrs


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What earlier polls of an account found out: meanings of ``offset`` and ``name``, habits, and the CSRs."""

    offset_mode: OffsetMode | None = None
    names: Meaning | None = None
    habits: Habits = Habits()
    memory: Memory = field(default_factory=Memory)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a poll read, and what the next one should know. *rejected* is summed over the pages read."""

    inventory: Inventory
    knowledge: Knowledge
    torn_walks: int
    rejected: Mapping[Rejection, int]
