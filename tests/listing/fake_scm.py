"""An SCM in memory, with every meaning that the reference leaves open, and habits that a service may have."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from csr_exporter.inventory import Csr, OffsetMode, Page, Query, Reason, Rejection, SourceError

NAME_MEANINGS: dict[str, Callable[[str, str], bool]] = {
    "exact": lambda wanted, name: wanted == name,
    "prefix": lambda wanted, name: name.startswith(wanted),
    "substring": lambda wanted, name: wanted in name,
    "like": lambda wanted, name: re.search(re.escape(wanted).replace("_", "."), name) is not None,
    "ignored": lambda _wanted, _name: True,
    "words": lambda wanted, name: wanted in re.findall(r"[^\W_]+", name),
    "accents": lambda wanted, name: without_accents(wanted) in without_accents(name),
}

Change = Callable[[list[Csr]], None]
View = Callable[[Sequence[Csr]], Sequence[Csr]]


def without_accents(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(each))


def count_matching(_query: Query, _rows: Sequence[Csr], matching: int, _shown: int) -> int | None:
    return matching


@dataclass
class FakeScm:
    """Answers queries over *csrs*, in their order; *changes* happen to the list before the request of that number.

    A `Csr` with an empty id stands for a record without one. *refuses* tells which queries are answered with 400.
    *log* has the queries, *moments* what the list held at one time or another while they were answered.

    *view* gives the rows that one request sees, for replicas that differ, and *order* sorts them. *first_record* is
    the offset of the first row, *most_rows* the longest page. *count* gives ``total`` from the query, all rows, the
    number of rows that match and the number that the page shows.
    """

    csrs: list[Csr]
    offset_mode: OffsetMode = OffsetMode.RECORD
    max_offset: int | None = 100
    name_meaning: str = "substring"
    case_sensitive: bool = True
    total: Callable[[int], int | None] = lambda matching: matching
    refuses: Callable[[Query], bool] = lambda _query: False
    view: View = lambda rows: rows
    order: View = lambda rows: rows
    first_record: int = 0
    most_rows: int = 50
    algorithm_ignored: bool = False
    count: Callable[[Query, Sequence[Csr], int, int], int | None] = count_matching
    changes: dict[int, Change] = field(default_factory=dict)
    log: list[Query] = field(default_factory=list)
    moments: list[frozenset[str]] = field(default_factory=list)
    _latest: list[Csr] = field(default_factory=list)

    def __call__(self, query: Query) -> Page:
        self.log.append(query)
        if change := self.changes.get(len(self.log)):
            change(self.csrs)
        everything = self.order(self.view(self.csrs))
        self._note_moment(everything)
        self._check(query)
        rows = self._selected(query, everything)
        start = self._first_row(query)
        shown = rows[start : start + min(query.limit, self.most_rows)]
        return _page(shown, self.total_of(query, everything, len(rows), len(shown)))

    def _note_moment(self, everything: Sequence[Csr]) -> None:
        if not self.moments or self._latest != everything:
            self._latest = list(everything)
            moment = frozenset(csr.id for csr in everything if csr.id)
            if not self.moments or self.moments[-1] != moment:
                self.moments.append(moment)

    def total_of(self, query: Query, everything: Sequence[Csr], matching: int, shown: int) -> int | None:
        counted = self.count(query, everything, matching, shown)
        return None if counted is None else self.total(counted)

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(csr.id for csr in self.csrs if csr.id)

    def has_shown_slice_of(self, csr: Csr) -> bool:
        """Whether a slice was read to its end that *csr*, as it is given, belongs to."""
        pages = Counter(replace(query, offset=0) for query in self.log)
        return any(
            self._selected(query, [csr]) and len(self._selected(query, self.csrs)) <= 50 * number
            for query, number in pages.items()
        )

    def start_anew(self, changes: dict[int, Change] | None = None) -> None:
        """Begin to count requests from 1 again, with the list as it is now."""
        self.log.clear()
        self.moments.clear()
        self.changes = changes or {}

    def _check(self, query: Query) -> None:
        """Refuse what the reference refuses."""
        legal = (
            query.limit in {10, 20, 50}
            and query.offset >= 0
            and (self.max_offset is None or query.offset <= self.max_offset)
            and len(query.name or "") <= 32
        )
        if not legal or self.refuses(query):
            raise SourceError(Reason.BAD_REQUEST, "SCM.0005")

    def _first_row(self, query: Query) -> int:
        match self.offset_mode:
            case OffsetMode.RECORD:
                return max(0, query.offset - self.first_record)
            case OffsetMode.PAGE:
                return query.offset * query.limit
            case OffsetMode.PAGE1:
                return (max(1, query.offset) - 1) * query.limit
            case _:
                return 0

    def _selected(self, query: Query, rows: Sequence[Csr]) -> Sequence[Csr]:
        if query.algorithm is not None and not self.algorithm_ignored:
            rows = [csr for csr in rows if csr.algorithm == query.algorithm]
        if query.name is None:
            return rows
        selects = NAME_MEANINGS[self.name_meaning]
        if self.case_sensitive:
            return [csr for csr in rows if selects(query.name, csr.name)]
        wanted = query.name.casefold()
        return [csr for csr in rows if selects(wanted, csr.name.casefold())]


def _page(rows: Sequence[Csr], total: int | None) -> Page:
    """As the parser makes it: each id once, records without one counted only."""
    usable = {csr.id: csr for csr in rows if csr.id}
    nameless = sum(not csr.id for csr in rows)
    rejected = {Rejection.MISSING_ID: nameless} if nameless else {}
    return Page(csrs=tuple(usable.values()), total=total, entries=len(rows), rejected=rejected)
