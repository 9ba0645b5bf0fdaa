"""Faults over HTTP, at ``/_simulator/faults``, for a simulator in a process of its own.

``GET`` answers ``{"faults": [...]}``, those in effect. ``PUT`` takes the same and replaces all. ``DELETE`` ends all, or
with ``?account=NAME`` those of one account. No credentials are asked for. A fault is one object::

    {"account": "production", "service": "scm", "requests": 3, "share": 0.5, "seconds": 60,
     "effect": {"kind": "status", "status": 503, "retry_after": 5, "as_date": true, "body": "text"}}

where all but `effect` may be left out, and effects are::

    {"kind": "status", "status": 503}                       {"kind": "latency", "seconds": 0.5}
    {"kind": "break", "by": "hang", "in_body": true}        by: hang, reset, close
    {"kind": "throttle", "per_second": 2}                   {"kind": "mutation", "change": "add"}
    {"kind": "raw", "status": 200, "headers": [["Content-Type", "text/html"]], "body": "x", "repeat": 31457280}
    {"kind": "expire_tokens"}                               change: add, remove, reorder

Bytes that are no text are given as `body_base64` instead of `body`.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any

from csr_exporter.simulator import faults
from csr_exporter.simulator.faults import Effect, Fault
from csr_exporter.simulator.messages import dig

Injection = tuple[str | None, Fault]
"""An account, or None for any request, and its fault."""

_KINDS: Mapping[str, type[Effect]] = {
    "status": faults.Status,
    "latency": faults.Latency,
    "break": faults.Break,
    "throttle": faults.Throttle,
    "mutation": faults.Mutation,
    "raw": faults.RawReply,
    "expire_tokens": faults.ExpireTokens,
}
_NAMES = {effect: kind for kind, effect in _KINDS.items()}


def read_faults(content: object) -> list[Injection]:
    """The faults to inject, from JSON. Raises `ValueError` that says what is wrong."""
    given = dig(content, "faults")
    if not isinstance(given, list):
        raise ValueError("faults: expected a list")  # noqa: TRY004 - what was sent is wrong, not our program
    return [_read_fault(each) for each in given]


def show_faults(in_effect: list[Injection]) -> dict[str, object]:
    """The reverse of `read_faults`."""
    shown = [{"account": account, **asdict(fault), "effect": _show(fault.effect)} for account, fault in in_effect]
    return {"faults": shown}


def _show(effect: Effect) -> dict[str, object]:
    shown = asdict(effect)
    if isinstance(body := shown.pop("body", None), bytes):
        shown["body_base64"] = base64.b64encode(body).decode()
    return {"kind": _NAMES[type(effect)], **shown}


def _read_fault(given: object) -> Injection:
    values = _read_fields(given)
    account = values.pop("account", None)
    if "effect" in values:
        values["effect"] = _read_effect(values["effect"])
    return account, _build(Fault, values)


def _read_effect(given: object) -> Effect:
    values = _read_fields(given)
    kind = values.pop("kind", None)
    if kind is None:
        raise ValueError("kind: missing")
    effect: Effect = _build(kind, values)
    return effect


def _build(kind: type[Any], given: Mapping[str, object]) -> Any:  # noqa: ANN401 - what *kind* builds
    """Raises `ValueError` that names a field too many or too few."""
    known = {each.name: each.default is MISSING for each in fields(kind)}
    for key in given.keys() - known.keys():
        raise ValueError(f"{key}: does not belong here")
    for key, required in known.items():
        if required and key not in given:
            raise ValueError(f"{key}: missing")
    return kind(**given)


def _read_fields(given: object) -> dict[str, Any]:
    """The fields of a fault or of an effect, each as its reader gives it."""
    if not isinstance(given, dict):
        raise ValueError("expected an object")  # noqa: TRY004 - what was sent is wrong, not our program
    values = {}
    for key, value in given.items():
        if key not in _READERS:
            raise ValueError(f"{key}: not known")
        try:
            values["body" if key == "body_base64" else key] = _READERS[key](value)
        except (LookupError, TypeError, ValueError):
            raise ValueError(f"{key}: cannot be {value!r}") from None
    return values


def _typed(*types: type, least: float | None = None, most: float = math.inf) -> Callable[[Any], Any]:
    """A reader of values of exactly these *types*, so that no bool passes for a number, from *least* to *most*."""

    def read(value: Any) -> Any:  # noqa: ANN401 - whatever was sent
        if type(value) not in types or (least is not None and not least <= value <= most):
            raise TypeError
        return value

    return read


_text = _typed(str)
_flag = _typed(bool)


def _one_of(*choices: str) -> Callable[[object], str]:
    return lambda value: {choice: choice for choice in choices}[_text(value)]


def _or_none(reader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else reader(value)


def _headers(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple((_text(name), _text(text)) for name, text in value)


_READERS: Mapping[str, Callable[[object], object]] = {
    "account": _or_none(_text),
    "effect": lambda value: value,
    "service": _or_none(_one_of("scm", "iam", "metadata")),
    "requests": _or_none(_typed(int, least=0)),
    "share": _typed(int, float, least=0, most=1),
    "seconds": _or_none(_typed(int, float, least=0)),
    "kind": lambda value: _KINDS[_text(value)],
    "status": _typed(int, least=100, most=599),
    "retry_after": _or_none(_typed(int, float, least=0)),
    "as_date": _flag,
    "body": lambda value: _text(value).encode(),
    "body_base64": lambda value: base64.b64decode(_text(value), validate=True),
    "by": _one_of("hang", "reset", "close"),
    "in_body": _flag,
    "per_second": _typed(int, float, least=0.001),
    "change": _one_of("add", "remove", "reorder"),
    "headers": _headers,
    "repeat": _typed(int, least=1),
}
