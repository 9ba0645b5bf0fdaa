"""A reply of the CSR list made into a `Page`, purely. Nobody behind this module meets JSON.

Source: "Querying the CSR List" (``GET /v3/scm/csr``), which contradicts itself on lengths and fields, so nothing is
relied on but an id. The ``csr`` field is dropped here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, chain
from types import NoneType
from typing import Any

from csr_exporter.inventory import Csr, Page, Reason, Rejection, SourceError
from csr_exporter.text import LONGEST, clean

YEAR = 365 * 86_400.0

_LONGEST_TOTAL = 18

_SCALE = {10: 1, 13: 10**3, 16: 10**6, 19: 10**9}
"""Parts of a second that a time with so many digits counts. The reference says milliseconds."""

MAX_ROWS = 1000
"""Rows of a page, the documented maximum. A service that ignores a smaller ``limit`` may send as many."""

MAX_NAMES = 250
"""Additional domain names of a CSR that are kept; the reference has 4096 characters for all of them."""

_MAX_VALUES = 100 * MAX_ROWS
"""Values of a page. The reference lists 13 for each row."""

_DEPTH_OF_ROWS = 2

_DEEPEST = 200
"""Lists and objects within each other; no reply has more than three."""

_SYNTAX = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|([][{},])', re.DOTALL)
"""A text, or what structures the values. Possessive: a text without an end costs no more than another."""

_OWN_TEXTS = ("id", "name", "domain_name", "sans")
_COMMON_TEXTS = ("private_key_algo", "usage", "company_name", "company_country", "company_province", "company_city")
_TIMES = ("create_time", "update_time")
"""The fields in the order of `Csr`; many CSRs have the common ones in common."""

_common = lru_cache(maxsize=4096)(clean)
"""`clean` for what many CSRs have in common: one object for equal texts is a third of what a CSR takes."""


def read_page(body: bytes, now: float) -> Page:
    """The page in the reply *body*. Raises `SourceError` with reason ``malformed_reply`` unless it is one."""
    try:
        text = _decoded(body)
        _check_size(text)
        reply = _parsed(text)
    except ValueError:
        raise _malformed("expected JSON") from None
    if not isinstance(reply, dict):
        raise _malformed("expected a JSON object")
    total = _total(reply.get("total"))
    entries = reply.get("csr_list")
    if entries is None and total == 0:
        entries = []
    if not isinstance(entries, list):
        raise _malformed("expected a list in csr_list")
    return _page(entries, total, now)


def parse_json(body: bytes) -> Any:  # noqa: ANN401 - whatever it holds
    """What the JSON in *body* says. Raises `ValueError` unless it is JSON."""
    return _parsed(_decoded(body))


def _decoded(body: bytes) -> str:
    return body.decode("utf-8-sig", "surrogatepass")


def _parsed(text: str) -> Any:  # noqa: ANN401 - whatever it holds
    """What *text* says. Raises `ValueError` where it is no JSON or nested too deeply.

    Python's parser calls itself for each level, and what Python cleans up at the bottom would find no stack left.
    """
    if text.count("[") + text.count("{") > _DEEPEST:
        marks = (found[1] for found in _SYNTAX.finditer(text))
        steps = (1 if mark in "[{" else -1 for mark in marks if mark and mark != ",")
        if any(depth > _DEEPEST for depth in accumulate(steps)):
            raise ValueError("nested too deeply")
    return json.loads(text)


def _check_size(text: str) -> None:
    """Refuse more rows or values than a page can have, before any is built. Raises `SourceError`."""
    if text.count(",") < MAX_ROWS:
        return
    depth = rows = values = 0
    for found in _SYNTAX.finditer(text):
        mark = found[1]
        if mark == ",":
            values += 1
            rows += depth == _DEPTH_OF_ROWS
            if rows >= MAX_ROWS or values >= _MAX_VALUES:
                raise _malformed(f"expected at most {MAX_ROWS} CSRs")
        elif mark:
            depth += 1 if mark in "[{" else -1


def _page(entries: list[Any], total: int | None, now: float) -> Page:
    regular = _regular(entries, now)
    return _careful_page(entries, total, now) if regular is None else Page(regular, total, len(entries))


def _regular(entries: list[Any], now: float) -> tuple[Csr, ...] | None:
    """What `read_csr` makes of *entries*, by columns in half the time; None where any of them may need its care."""
    if set(map(type, entries)) != {dict}:
        return None
    own = [[entry.get(field, "") for entry in entries] for field in _OWN_TEXTS]
    common = [[entry.get(field) for entry in entries] for field in _COMMON_TEXTS]
    created, updated = ([entry.get(field) or None for entry in entries] for field in _TIMES)
    if set(map(type, chain(*own))) != {str} or not set(map(type, chain(*common))) <= {str, NoneType}:
        return None
    ids, names, domains, sans = own
    parted = [tuple(dict.fromkeys(_parted(text))) if text else () for text in sans]
    values = set(chain(*common))
    if not (
        all(map(str.strip, ids))
        and len(set(ids)) == len(ids)
        and max(map(len, parted)) <= MAX_NAMES
        and _are_fit([*ids, *names, *domains, *chain(*parted), *filter(None, values)])
        and _are_milliseconds(created, updated, now)
    ):
        return None
    shared = {value: _common(value or "") for value in values}
    columns = ([shared[value] for value in column] for column in common)
    seconds = ([ms and ms / 1000 for ms in column] for column in (created, updated))
    return tuple(map(Csr, ids, names, domains, parted, *columns, *seconds))


def _are_fit(texts: Sequence[str]) -> bool:
    """Whether `clean` would leave all *texts* as they are."""
    return "".join(texts).isprintable() and max(map(len, texts)) <= LONGEST


def _are_milliseconds(created: list[Any], updated: list[Any], now: float) -> bool:
    """Whether `_time` would take all of them, those *updated* None for none."""
    given = [*created, *filter(None, updated)]
    return (
        set(map(type, given)) == {int} and min(given) >= 10**12 and max(given) <= min((now + YEAR) * 1000, 10**13 - 1)
    )


def _careful_page(entries: list[object], total: int | None, now: float) -> Page:
    csrs: dict[str, Csr] = {}
    rejected: Counter[Rejection] = Counter()
    for entry in entries:
        csr, flaws = read_csr(entry, now)
        if flaws:
            rejected.update(flaws)
        if csr is None:
            continue
        if csr.id in csrs:
            rejected[Rejection.DUPLICATE_ID] += 1
        else:
            csrs[csr.id] = csr
    return Page(tuple(csrs.values()), total, len(entries), rejected)


def _total(value: object) -> int | None:
    """The number of CSRs that match: an integer or its digits as text, None where there is none."""
    if value is None:
        return None
    digits = _digits(value)
    if not 0 < len(digits) <= _LONGEST_TOTAL:
        raise _malformed("expected a whole number in total")
    return int(digits)


def _digits(value: object) -> str:
    """The digits of a whole number, given as one or as text; none for anything else."""
    text = value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    return text if text.isdigit() and text.isascii() else ""


def _malformed(detail: str) -> SourceError:
    return SourceError(Reason.MALFORMED_REPLY, f"{detail} in the reply")


def read_csr(entry: object, now: float) -> tuple[Csr | None, list[Rejection]]:
    """One entry of ``csr_list`` as a `Csr`, or None where it has no id, and what was wrong with it."""
    if not isinstance(entry, dict):
        return None, [Rejection.NOT_AN_OBJECT]
    identity = entry.get("id")
    if not isinstance(identity, str) or not identity.strip():
        return None, [Rejection.MISSING_ID]
    flaws: list[Rejection] = []
    get = entry.get
    csr = Csr(
        id=clean(identity),
        name=clean(_text(get("name"), flaws)),
        domain=clean(_text(get("domain_name"), flaws)),
        sans=_sans(get("sans"), flaws),
        algorithm=_shared(get("private_key_algo"), flaws),
        usage=_shared(get("usage"), flaws),
        company_name=_shared(get("company_name"), flaws),
        company_country=_shared(get("company_country"), flaws),
        company_province=_shared(get("company_province"), flaws),
        company_city=_shared(get("company_city"), flaws),
        created_at=_time(get("create_time"), now, flaws, Rejection.BAD_CREATE_TIME),
        updated_at=_time(get("update_time"), now, flaws, Rejection.BAD_FIELD) if get("update_time") else None,
    )
    return csr, flaws


def _text(value: object, flaws: list[Rejection]) -> str:
    if isinstance(value, str):
        return value
    if value is not None:
        flaws.append(Rejection.BAD_FIELD)
    return ""


def _shared(value: object, flaws: list[Rejection]) -> str:
    text = _text(value, flaws)
    return _common(text) if len(text) <= LONGEST else clean(text)


def _sans(value: object, flaws: list[Rejection]) -> tuple[str, ...]:
    names = _parted(_text(value, flaws))
    if len(names) > MAX_NAMES:
        flaws.append(Rejection.BAD_FIELD)
    return tuple(dict.fromkeys(map(clean, names[:MAX_NAMES])))


def _parted(sans: str) -> list[str]:
    """The first `MAX_NAMES` additional domain names, or one more.

    The reference does not say what separates them; its sibling ApplyCertificate uses the semicolon.
    """
    names = sans.lower().replace(";", " ").replace(",", " ").split(maxsplit=MAX_NAMES + 1)
    return names[: MAX_NAMES + 1]


def _time(value: object, now: float, flaws: list[Rejection], flaw: Rejection) -> float | None:
    """Unix seconds; None for what cannot be when a CSR was created or updated, a year from now at the latest."""
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    digits = _digits(whole).lstrip("0")
    scale = _SCALE.get(len(digits))
    if scale is None or (seconds := int(digits) / scale) > now + YEAR:
        flaws.append(flaw)
        return None
    return seconds
