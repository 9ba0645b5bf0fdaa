"""Families as text: Prometheus 0.0.4, or OpenMetrics 1.0 for those who ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import exposition as text
from prometheus_client.core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

OPENMETRICS = "application/openmetrics-text"


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def render(families: Iterable[Metric], accept: str) -> tuple[bytes, str]:
    """The exposition of *families* in the format that the header *accept* prefers, and its content type."""
    encode: Callable[[Collector], bytes]
    if _prefers_openmetrics(accept):
        encode, content_type = openmetrics.generate_latest, openmetrics.CONTENT_TYPE_LATEST
    else:
        encode, content_type = text.generate_latest, text.CONTENT_TYPE_PLAIN_0_0_4
    return encode(_Families(families)), content_type


def _prefers_openmetrics(accept: str) -> bool:
    """Whether OpenMetrics 1.0 is asked for, and no less than plain text (RFC 9110, 12.5.1)."""
    wanted = {OPENMETRICS: 0.0, "text/plain": 0.0}
    for offer in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in offer.split(";"))
        given = dict(parameter.split("=", 1) for parameter in parameters if "=" in parameter)
        if kind in wanted and given.get("version", "1.0.0") in {"1.0.0", "0.0.4"}:
            wanted[kind] = max(wanted[kind], _quality(given.get("q", "1")))
    return 0.0 < wanted[OPENMETRICS] >= wanted["text/plain"]


def _quality(text_of_number: str) -> float:
    try:
        return float(text_of_number)
    except ValueError:
        return 0.0
