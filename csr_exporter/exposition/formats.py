"""The two formats, as the client library writes them, and which of them a client asks for (RFC 9110, 12.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import exposition as text
from prometheus_client.core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its content type, how the library writes it, and what it ends with."""

    content_type: str
    encode: Callable[[Collector], bytes]
    end: bytes

    def write(self, families: Iterable[Metric]) -> bytes:
        """*families* as the library writes them, including the end."""
        return self.encode(_Families(families))


TEXT = Format(text.CONTENT_TYPE_PLAIN_0_0_4, text.generate_latest, b"")
OPENMETRICS = Format(openmetrics.CONTENT_TYPE_LATEST, openmetrics.generate_latest, b"# EOF\n")


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def preferred_format(accept: str) -> Format:
    """OpenMetrics 1.0 if *accept* prefers it to plain text or likes both equally, else text."""
    wanted = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for kind, parameters in _offers(accept):
        if kind in wanted and parameters.get("version", "1.0.0") in {"1.0.0", "0.0.4"}:
            wanted[kind] = max(wanted[kind], _quality(parameters))
    of_openmetrics, of_text = wanted.values()
    return OPENMETRICS if 0.0 < of_openmetrics >= of_text else TEXT


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether gzip is accepted by name or by asterisk; a quality of 0 refuses it."""
    wanted = {coding: _quality(parameters) for coding, parameters in _offers(accept_encoding)}
    return wanted.get("gzip", wanted.get("x-gzip", wanted.get("*", 0.0))) > 0.0


def _offers(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The entries of *header*, with the parameters of each."""
    for offer in header.lower().split(","):
        name, *parameters = (part.strip() for part in offer.split(";"))
        yield name, dict(parameter.split("=", 1) for parameter in parameters if "=" in parameter)


def _quality(parameters: dict[str, str]) -> float:
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 0.0
