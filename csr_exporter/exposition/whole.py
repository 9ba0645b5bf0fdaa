"""The whole exposition: families one after another, and in each the samples of all accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from prometheus_client.core import GaugeMetricFamily, Metric

from csr_exporter.exposition.account import Part, parts, snapshot_parts
from csr_exporter.exposition.forms import TEXT, Form
from csr_exporter.exposition.lines import MovingLines
from csr_exporter.exposition.pieces import Block, Piece, joined
from csr_exporter.metrics import Exposed, families
from csr_exporter.status import Status


def exposition(
    statuses: Sequence[Status], exposed: Exposed, now: float, further: Iterable[Metric], form: Form
) -> Iterator[Piece]:
    """What is known of *statuses* as of *now*, and then the families *further*, in *form*."""
    columns = [parts(status, exposed, now) for status in statuses]
    for place, (family, header) in enumerate(_headers(exposed, form)):
        pieces = [_piece(column[place], now) for column in columns]
        if family.type == "gaugehistogram" and form is TEXT:
            yield from _divided(family, header, joined(pieces))
        else:
            yield header
            yield from pieces
    yield form.write(further)


def prepare(status: Status, exposed: Exposed, now: float) -> None:
    """Make what the next scrapes will share, so that none of them has to."""
    for part in snapshot_parts(status.account.name, status.current(now), exposed):
        if isinstance(part, Block):
            part.deflated  # noqa: B018 - is kept once it has been asked for


def _piece(part: Part, now: float) -> Piece:
    return part.as_of(now) if isinstance(part, MovingLines) else part


@lru_cache(maxsize=8)
def _headers(exposed: Exposed, form: Form) -> list[tuple[Metric, bytes]]:
    """Each family, without samples, and the lines it begins with."""
    return [(family, _header(family, form)) for family in families([], exposed, now=0.0)]


def _header(family: Metric, form: Form) -> bytes:
    return form.write([family]).removesuffix(form.end)


def _divided(family: Metric, header: bytes, text: bytes) -> Iterator[bytes]:
    """A gauge histogram in format 0.0.4, which has none: a histogram, and gauges for the count and the sum."""
    each = text.split(b"\n")
    yield header
    yield _beginning(each, f"{family.name}_bucket")
    for name in (f"{family.name}_gcount", f"{family.name}_gsum"):
        if found := _beginning(each, name):
            yield _header(GaugeMetricFamily(name, family.documentation), TEXT)
            yield found


def _beginning(each: Sequence[bytes], name: str) -> bytes:
    start = name.encode()
    return b"".join([line + b"\n" for line in each if line.startswith(start)])
