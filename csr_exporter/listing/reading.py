"""What goes into a poll and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from csr_exporter.inventory import Inventory, OffsetMode, Rejection
from csr_exporter.listing.carry import Memory
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
