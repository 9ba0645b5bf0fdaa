"""The two formats, as the client library writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import exposition as text
from prometheus_client.core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class Form:
    """A format: its content type, how the library writes it, and what it ends with."""

    content_type: str
    encode: Callable[[Collector], bytes]
    end: bytes

    def write(self, families: Iterable[Metric]) -> bytes:
        """*families* as the library writes them, to the end."""
        return self.encode(_Families(families))


TEXT = Form(text.CONTENT_TYPE_PLAIN_0_0_4, text.generate_latest, b"")
OPENMETRICS = Form(openmetrics.CONTENT_TYPE_LATEST, openmetrics.generate_latest, b"# EOF\n")


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
