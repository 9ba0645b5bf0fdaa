"""The whole exposition: families one after another, and in each the samples of all accounts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from functools import lru_cache
from weakref import WeakKeyDictionary

from prometheus_client.core import GaugeMetricFamily, Metric

from csr_exporter.exposition.compression import MIN_BLOCK, Block, Piece, joined
from csr_exporter.exposition.formats import TEXT, Format
from csr_exporter.exposition.lines import AgeLines, csr_lines, lines
from csr_exporter.inventory import Snapshot
from csr_exporter.metrics import (
    AgeFamily,
    Exposed,
    Family,
    StepFamily,
    empty_families,
    inventory_families,
    policy_families,
    status_families,
)
from csr_exporter.status import Status


class StepLines:
    """Samples that change at known times, as lines that are kept from one of these to the next."""

    def __init__(self, family: StepFamily) -> None:
        self._family = family
        self._kept: tuple[int, Piece] = (-1, b"")

    def as_of(self, now: float) -> Piece:
        step, kept = bisect_right(self._family.times, now), self._kept
        if kept[0] != step:
            kept = self._kept = (step, _piece(lines(self._family.at(now))))
        return kept[1]


Part = Piece | AgeLines | StepLines
"""One account's lines in one family."""

_CHANGING = (AgeLines, StepLines)  # a union would be made anew for each of the parts

# Entries go with the value that they come from, so nothing has to be purged. Parts must not refer to it.
_CACHE: MutableMapping[Snapshot | Status, tuple[tuple[str, Exposed], list[tuple[str, Part]]]] = WeakKeyDictionary()


def exposition(
    statuses: Sequence[Status], exposed: Exposed, now: float, further: Iterable[Metric], form: Format
) -> Iterator[Piece]:
    """What is known of *statuses* as of *now*, and then the families *further*, in the format *form*."""
    headers = _headers(exposed, form)
    pieces: dict[str, list[Piece]] = {name: [] for name in headers}
    for status in statuses:
        for name, part in _parts(status, exposed, now):
            pieces[name].append(part.as_of(now) if isinstance(part, _CHANGING) else part)
    for name, (family, header) in headers.items():
        if family.type == "gaugehistogram" and form is TEXT:
            yield from _as_histogram(family, header, joined(pieces[name]), len(exposed.age_buckets) + 1)
        else:
            yield header
            yield from pieces[name]
    yield form.write(further)


def prepare(status: Status, exposed: Exposed, now: float) -> None:
    """Render and compress what the next scrapes share, so that none of them has to."""
    for _, part in _parts(status, exposed, now):
        shared = part.as_of(now) if isinstance(part, StepLines) else part
        if isinstance(shared, Block):
            shared.deflated  # noqa: B018 - is cached once it was read


def _parts(status: Status, exposed: Exposed, now: float) -> Iterator[tuple[str, Part]]:
    name, snapshot = status.account.name, status.current(now)
    if snapshot:
        yield from _cached(snapshot, (name, exposed), lambda: _snapshot_parts(name, snapshot, exposed))
    yield from _cached(status, (name, exposed), lambda: map(_part, status_families(status, exposed)))


def _snapshot_parts(account: str, snapshot: Snapshot, exposed: Exposed) -> Iterator[tuple[str, Part]]:
    yield from map(_part, inventory_families(account, snapshot, exposed.age_buckets))
    for name, each in csr_lines(account, snapshot, exposed):
        yield name, each if isinstance(each, AgeLines) else _piece(each)
    yield from map(_part, policy_families(account, snapshot, exposed))


def _cached(
    source: Snapshot | Status, key: tuple[str, Exposed], render: Callable[[], Iterable[tuple[str, Part]]]
) -> Iterable[tuple[str, Part]]:
    """The parts cached for *source*; rendered anew if there are none, or for another *key*."""
    found = _CACHE.get(source)
    if found is None or found[0] != key:
        found = _CACHE[source] = (key, [each for each in render() if each[1] != b""])
    return found[1]


def _part(family: Family) -> tuple[str, Part]:
    if isinstance(family, AgeFamily):
        return family.metric.name, AgeLines.of(family)
    if isinstance(family, StepFamily):
        # What never changes has its lines from the start.
        return family.name, StepLines(family) if family.times else _piece(lines(family.at(0.0)))
    return family.name, _piece(lines(family))


def _piece(text: bytes) -> Piece:
    return Block(text) if len(text) >= MIN_BLOCK else text


@lru_cache(maxsize=8)
def _headers(exposed: Exposed, form: Format) -> dict[str, tuple[Metric, bytes]]:
    """Each family by name, with the lines it begins with."""
    return {family.name: (family, _header(family, form)) for family in empty_families(exposed)}


def _header(family: Metric, form: Format) -> bytes:
    return form.write([family]).removesuffix(form.end)


def _as_histogram(family: Metric, header: bytes, text: bytes, buckets: int) -> Iterator[bytes]:
    """A gauge histogram in format 0.0.4, which has none: a histogram, and gauges for the count and the sum.

    In *text*, each histogram has so many *buckets*, then its count, then its sum.
    """
    lines = text.split(b"\n")[:-1]
    count, total = lines[buckets :: buckets + 2], lines[buckets + 1 :: buckets + 2]
    del lines[buckets + 1 :: buckets + 2], lines[buckets :: buckets + 1]
    yield header
    if lines:
        yield _joined(lines)
        for name, found in ((f"{family.name}_gcount", count), (f"{family.name}_gsum", total)):
            yield _header(GaugeMetricFamily(name, family.documentation), TEXT)
            yield _joined(found)


def _joined(lines: Sequence[bytes]) -> bytes:
    return b"\n".join([*lines, b""])
