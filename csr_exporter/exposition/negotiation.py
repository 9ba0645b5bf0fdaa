"""What the client asks for, from its headers (RFC 9110, 12.5)."""

from __future__ import annotations

from collections.abc import Iterator

from csr_exporter.exposition.forms import OPENMETRICS, TEXT, Form

_OPENMETRICS = "application/openmetrics-text"
_TEXT = "text/plain"


def preferred_form(accept: str) -> Form:
    """OpenMetrics 1.0 where *accept* asks for it, and no less than for plain text, else text."""
    wanted = {_OPENMETRICS: 0.0, _TEXT: 0.0}
    for kind, parameters in _offers(accept):
        if kind in wanted and parameters.get("version", "1.0.0") in {"1.0.0", "0.0.4"}:
            wanted[kind] = max(wanted[kind], _quality(parameters))
    return OPENMETRICS if 0.0 < wanted[_OPENMETRICS] >= wanted[_TEXT] else TEXT


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether gzip is asked for by name or by asterisk; a quality of 0 refuses it."""
    wanted = {coding: _quality(parameters) for coding, parameters in _offers(accept_encoding)}
    return wanted.get("gzip", wanted.get("x-gzip", wanted.get("*", 0.0))) > 0.0


def _offers(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """What the list in *header* names, with the parameters of each."""
    for offer in header.lower().split(","):
        name, *parameters = (part.strip() for part in offer.split(";"))
        yield name, dict(parameter.split("=", 1) for parameter in parameters if "=" in parameter)


def _quality(parameters: dict[str, str]) -> float:
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 0.0
