"""The table of changes, the latest first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from csr_exporter.inventory import Change, ChangeQuery

ROWS = 100
"""On a page."""


@dataclass(frozen=True, slots=True)
class ChangeTable:
    """One page of changes, as of *now*; *names* are the accounts that may be chosen, *before* begins the next page.

    *stored* is whether there is storage, and *failing* whether it is in trouble.
    """

    now: float
    query: ChangeQuery
    changes: tuple[Change, ...]
    names: tuple[str, ...]
    before: int | None
    stored: bool
    failing: bool

    def link(self, **changes: Any) -> str:  # noqa: ANN401 - as `dataclasses.replace`
        """The address, relative to the page, of the first page with *changes* of the query."""
        other = replace(self.query, **{"before": None, **changes})
        since = None if other.since is None else f"{other.since:.3f}".rstrip("0").rstrip(".")
        given = {"account": other.accounts, "change": other.kind, "q": other.text, "since": since}
        query = urlencode(
            {name: value for name, value in (*given.items(), ("before", other.before)) if value}, doseq=True
        )
        return f"changes?{query}" if query else "changes"


def change_table(
    recorded: Sequence[tuple[int, Change]],
    query: ChangeQuery,
    names: Sequence[str],
    now: float,
    *,
    stored: bool,
    failing: bool,
) -> ChangeTable:
    """The page that begins with *recorded*, of which one more than `ROWS` tells that another page follows."""
    shown = recorded[:ROWS]
    return ChangeTable(
        now=now,
        query=query,
        changes=tuple(change for _, change in shown),
        names=tuple(sorted(names, key=lambda name: (name.casefold(), name))),
        before=shown[-1][0] if len(recorded) > ROWS else None,
        stored=stored,
        failing=failing,
    )
