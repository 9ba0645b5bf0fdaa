"""The pieces of one account, made once for each snapshot and each status and kept as long as those live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from functools import lru_cache
from typing import TypeVar
from weakref import WeakKeyDictionary

from prometheus_client.core import Metric

from csr_exporter.exposition.lines import MovingLines, lines
from csr_exporter.exposition.pieces import WORTH_KEEPING, Block, Piece
from csr_exporter.inventory import Snapshot
from csr_exporter.metrics import Exposed, Family, of_snapshots, of_statuses
from csr_exporter.status import Status

K = TypeVar("K")

Part = Piece | MovingLines
"""One account's lines in one family."""

_Key = tuple[str, Exposed]
_Kept = MutableMapping[K, tuple[_Key, Sequence[Part]]]

# Results of pure functions, which go when what they were made from goes: nothing has to be purged. Parts must not
# refer to their key.
_SNAPSHOTS: _Kept[Snapshot] = WeakKeyDictionary()
_STATUSES: _Kept[Status] = WeakKeyDictionary()


def parts(status: Status, exposed: Exposed, now: float) -> list[Part]:
    """The account's part of each family, in order."""
    name = status.account.name
    return [
        *snapshot_parts(name, status.current(now), exposed),
        *_kept(_STATUSES, status, (name, exposed), lambda: of_statuses([(name, status)], exposed)),
    ]


def snapshot_parts(name: str, snapshot: Snapshot | None, exposed: Exposed) -> Sequence[Part]:
    """The part that depends on what was read: without samples when that is nothing."""
    if snapshot is None:
        return _absent(exposed)
    return _kept(_SNAPSHOTS, snapshot, (name, exposed), lambda: of_snapshots([(name, snapshot)], exposed))


@lru_cache(maxsize=8)
def _absent(exposed: Exposed) -> Sequence[Part]:
    return [b"" for _ in of_snapshots([], exposed)]


def _kept(kept: _Kept[K], value: K, key: _Key, make: Callable[[], Iterable[Family]]) -> Sequence[Part]:
    """The parts kept for *value*; made anew where there are none or where they were made for another *key*."""
    found = kept.get(value)
    if found is None or found[0] != key:
        found = kept[value] = (key, [_part(family) for family in make()])
    return found[1]


def _part(family: Family) -> Part:
    if not isinstance(family, Metric):
        return MovingLines(family)
    text = lines(family)
    return Block(text) if len(text) >= WORTH_KEEPING else text
