"""What the query in the page's address asks for, and addresses that ask for something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

SHORTEST, LONGEST = 10, 3600
"""Seconds between two refreshes of the page by itself."""


@dataclass(frozen=True, slots=True)
class View:
    """Accounts by name, or all; of them those with the mark *show*; and seconds from one refresh to the next."""

    accounts: tuple[str, ...] = ()
    show: str | None = None
    refresh: int | None = None

    @classmethod
    def of(cls, query: Iterable[tuple[str, str]]) -> View:
        """The view that *query*, names with values, asks for. What makes no sense is ignored."""
        view = cls()
        for name, value in query:
            if name == "account":
                view = replace(view, accounts=(*view.accounts, value))
            elif name == "show":
                view = replace(view, show=value)
            elif name == "refresh" and value.isdecimal() and SHORTEST <= int(value) <= LONGEST:
                view = replace(view, refresh=int(value))
        return view

    @property
    def narrowed(self) -> bool:
        """Whether accounts may be left out."""
        return bool(self.accounts or self.show)

    @property
    def headers(self) -> Mapping[str, str]:
        return {} if self.refresh is None else {"Refresh": str(self.refresh)}

    def link(self, **changes: Any) -> str:  # noqa: ANN401 - as `dataclasses.replace`
        """The address, relative to the page, of this view with *changes*."""
        other = replace(self, **changes)
        given = {"account": other.accounts, "show": other.show, "refresh": other.refresh}
        query = urlencode({name: value for name, value in given.items() if value}, doseq=True)
        return f"./?{query}" if query else "./"
