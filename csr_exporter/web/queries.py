"""What the query in an address asks of the tables. What makes no sense is answered 400, and never ignored."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from csr_exporter.config import seconds
from csr_exporter.inventory import ChangeKind, ChangeQuery
from csr_exporter.page import Selection, Sort
from csr_exporter.policy import Rule

MOST_CHANGES = 10_000
"""In one reply of ``/changes.json``."""

T = TypeVar("T")


def selection(query: QueryParams) -> Selection:
    """The CSRs that *query* asks for. Raises `HTTPException`."""
    older_than = query.get("older_than", "")
    return Selection(
        accounts=_accounts(query),
        text=query.get("q", ""),
        algorithm=query.get("private_key_algo", ""),
        older_than=older_than,
        age=_read(query, "older_than", seconds, "a duration such as 90d or 1y"),
        owner=query.get("owner", ""),
        rule=_read(query, "rule", Rule, " or ".join(Rule)),
        sort=_read(query, "sort", Sort, " or ".join(Sort)) or Sort.AGE,
    )


def page(query: QueryParams) -> int:
    """The number of the page, from 1. Raises `HTTPException`."""
    return _read(query, "page", _positive, "a number from 1") or 1


def change_query(query: QueryParams, limit: int) -> ChangeQuery:
    """The changes that *query* asks for, and at most *limit* unless it says how many. Raises `HTTPException`."""
    return ChangeQuery(
        accounts=_accounts(query),
        kind=_read(query, "change", ChangeKind, " or ".join(ChangeKind)),
        text=query.get("q", ""),
        since=_read(query, "since", instant, "Unix seconds or a time such as 2026-01-31T09:30:00Z"),
        before=_read(query, "before", _positive, "the number of a change"),
        limit=min(_read(query, "limit", _positive, "a number from 1") or limit, MOST_CHANGES),
    )


def _accounts(query: QueryParams) -> tuple[str, ...]:
    return tuple(name for name in query.getlist("account") if name)


def _read(query: QueryParams, name: str, parse: Callable[[str], T], expected: str) -> T | None:
    """The parameter *name* as *parse* reads it; None where it is missing or empty, as an empty field of a form is."""
    text = query.get(name, "")
    if not text:
        return None
    try:
        return parse(text)
    except (ValueError, OverflowError):
        raise HTTPException(400, f"{name}: expected {expected}\n") from None


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:20]) < 2**63:
        raise ValueError(text)
    return int(text[:20])


def instant(text: str) -> float:
    """Unix seconds, from themselves or RFC 3339; an address makes a space of a ``+``. Raises `ValueError`."""
    try:
        found = float(text)
    except ValueError:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        if moment.tzinfo is None:
            raise
        return moment.timestamp()
    if not math.isfinite(found):
        raise ValueError(text)
    return found
