"""What goes into a poll, what comes out of it, and what one poll remembers for the next.

Only where one poll cannot read everything are earlier records relied on, and only while the service lists the newest
CSRs first: then whoever looks at the top sees every CSR that was added. If as many were added as the total has grown
by, none was removed, and what was read earlier is still there. See docs/completeness.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from csr_exporter.inventory import Csr, Inventory, OffsetMode, Rejection
from csr_exporter.listing.names import Meaning


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
class Memory:
    """What a poll knew at its end.

    *csrs* were all in the list when *window*, the ids of its first rows, was read and *total* was its length;
    *fresh* are those of them that this poll read itself, all of them if it is *whole*. *hints* may be gone.
    *total* is None when the list changed meanwhile: then nothing can be concluded. Every name that contains one of
    the texts *exhausted* is among *csrs*.
    """

    csrs: Mapping[str, Csr] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    hints: Mapping[str, Csr] = field(default_factory=dict)
    window: tuple[str, ...] = ()
    total: int | None = None
    whole: bool = True
    exhausted: frozenset[str] = frozenset()

    def still_there(self, total: int, window: Sequence[Csr]) -> Mapping[str, Csr]:
        """The CSRs that need not be read again to know that they are in a list of *total* CSRs that begins with
        *window*; empty when that cannot be known, or nothing is gained by it.
        """
        if self.whole or self.total is None or not newest_first(window):
            return {}
        known = frozenset(self.window)
        added = sum(csr.id not in known for csr in window)
        return self.csrs if added < len(window) and total == self.total + added else {}


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What earlier polls of an account found out: the meanings of ``offset`` and ``name``, and the CSRs they knew."""

    offset_mode: OffsetMode | None = None
    names: Meaning | None = None
    memory: Memory = field(default_factory=Memory)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a poll read, and what the next one should know. *rejected* is summed over the pages read."""

    inventory: Inventory
    knowledge: Knowledge
    torn_walks: int
    rejected: Mapping[Rejection, int]


def newest_first(csrs: Sequence[Csr]) -> bool:
    """Whether no CSR is newer than the one before it, as far as *csrs* show."""
    times = [csr.created_at for csr in csrs]
    if not times or None in times:
        return False
    known = [time for time in times if time is not None]
    return known == sorted(known, reverse=True) and known[0] > known[-1]
