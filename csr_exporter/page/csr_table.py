"""The table of single CSRs: which are selected, in which order. Pure, and indexed once per snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from heapq import merge
from itertools import islice
from typing import Any
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from csr_exporter.inventory import Csr, Snapshot
from csr_exporter.policy import NO_POLICY, UNOWNED, Judgement, Policy, Rule, judged
from csr_exporter.status import Status
from csr_exporter.text import searchable

ROWS = 100
"""On a page."""

Row = tuple[str, Csr]
"""The name of an account, and one of its CSRs."""

Entry = tuple[Csr, str]
"""A CSR, and the text in which it is searched for."""


class Sort(StrEnum):
    """Orders: the oldest first, by name, or by account and the oldest first."""

    AGE = "age"
    NAME = "name"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which CSRs, in which order; what is empty selects all.

    *text* is looked for in names, domains and ids, in upper or lower case. *older_than* is a duration as it was given,
    and *age* the same in seconds; CSRs of unknown age are not older than anything. *rule* is one that they break, and
    are not excused from.
    """

    accounts: tuple[str, ...] = ()
    text: str = ""
    algorithm: str = ""
    older_than: str = ""
    age: float | None = None
    owner: str = ""
    rule: Rule | None = None
    sort: Sort = Sort.AGE

    @property
    def narrowed(self) -> bool:
        return replace(self, sort=Sort.AGE) != Selection()

    @property
    def query(self) -> Mapping[str, object]:
        """The parameters of the address that asks for it."""
        return {
            "account": self.accounts,
            "q": self.text,
            "private_key_algo": self.algorithm,
            "older_than": self.older_than,
            "owner": self.owner,
            "rule": self.rule or "",
            "sort": "" if self.sort is Sort.AGE else self.sort,
        }


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the policy says of single CSRs as of *now*; *judgements* are by the name of an account."""

    judgements: Mapping[str, Judgement]
    now: float
    owned: bool

    def owner(self, row: Row) -> str:
        """Empty where no owners are configured."""
        return self.judgements[row[0]].owners[row[1].id] if self.owned else ""

    def broken(self, row: Row) -> tuple[Rule, ...]:
        """The rules that the CSR breaks, and is not excused from."""
        return self.judgements[row[0]].broken(row[1].id, self.now)


@dataclass(frozen=True, slots=True)
class Found:
    """How many CSRs are selected, they themselves, one after another, and what the policy says of each."""

    number: int
    rows: Iterator[Row]
    verdicts: Verdicts


@dataclass(frozen=True, slots=True)
class CsrTable:
    """One page of the table, counted from 1, as of *now*.

    *names*, *algorithms*, *owners* and *rules* are all that may be chosen. *without* counts the accounts that have no
    inventory to show, and *incomplete* those of which some CSRs were not read.
    """

    now: float
    selection: Selection
    rows: tuple[Row, ...]
    verdicts: Verdicts
    number: int
    page: int
    pages: int
    names: tuple[str, ...]
    algorithms: tuple[str, ...]
    owners: tuple[str, ...]
    rules: tuple[Rule, ...]
    without: int
    incomplete: int

    def link(self, path: str = "csrs", page: int = 1, **changes: Any) -> str:  # noqa: ANN401 - as `dataclasses.replace`
        """The address, relative to the page, of another page or of the selection with *changes*."""
        given = {**replace(self.selection, **changes).query, "page": page if page > 1 else ""}
        query = urlencode({name: value for name, value in given.items() if value}, doseq=True)
        return f"{path}?{query}" if query else path


# Entries go with their snapshot, and must not refer to it.
_INDEX: MutableMapping[Snapshot, dict[Sort, Sequence[Entry]]] = WeakKeyDictionary()

_WITHIN_ACCOUNT: Mapping[Sort, Callable[[Csr], tuple[object, ...]]] = {
    Sort.AGE: lambda csr: (csr.created_at is None, csr.created_at or 0.0, csr.id),
    Sort.NAME: lambda csr: (csr.name.casefold(), csr.id),
}


def csr_table(
    statuses: Sequence[Status], selection: Selection, page: int, now: float, policy: Policy = NO_POLICY
) -> CsrTable:
    """The page of that number, or the last; of *statuses*, which are those of all accounts."""
    shown = [each for each in statuses if not selection.accounts or each.account.name in selection.accounts]
    snapshots = [snapshot for status in shown if (snapshot := status.current(now))]
    found = find(shown, selection, now, policy)
    pages = max(1, -(-found.number // ROWS))
    page = min(page, pages)
    return CsrTable(
        now=now,
        selection=selection,
        rows=tuple(islice(found.rows, (page - 1) * ROWS, page * ROWS)),
        verdicts=found.verdicts,
        number=found.number,
        page=page,
        pages=pages,
        names=tuple(sorted((each.account.name for each in statuses), key=lambda name: (name.casefold(), name))),
        algorithms=tuple(sorted({csr.algorithm for each in snapshots for csr in each.inventory.csrs} - {""})),
        owners=tuple(sorted({each.name for each in policy.owners} | ({UNOWNED} if policy.owners else set()))),
        rules=policy.rules.in_force,
        without=len(shown) - len(snapshots),
        incomplete=sum(not each.inventory.complete for each in snapshots),
    )


def find(statuses: Iterable[Status], selection: Selection, now: float, policy: Policy = NO_POLICY) -> Found:
    """The CSRs of *statuses* that *selection* asks for, as of *now*."""
    snapshots = [(status.account.name, snapshot) for status in statuses if (snapshot := status.current(now))]
    snapshots.sort(key=lambda each: each[0])
    judgements = {name: judged(name, snapshot, policy) for name, snapshot in snapshots}
    runs = {name: _matching(snapshot, selection, judgements[name], now) for name, snapshot in snapshots}
    verdicts = Verdicts(judgements, now, owned=bool(policy.owners))
    return Found(sum(map(len, runs.values())), _merged(runs, selection.sort), verdicts)


def _matching(snapshot: Snapshot, selection: Selection, judgement: Judgement, now: float) -> Sequence[Entry]:
    entries = _entries(snapshot, Sort.NAME if selection.sort is Sort.NAME else Sort.AGE)
    if text := searchable(selection.text):
        entries = [entry for entry in entries if text in entry[1]]
    if selection.algorithm:
        entries = [entry for entry in entries if entry[0].algorithm == selection.algorithm]
    if selection.age is not None:
        latest = now - selection.age
        entries = [entry for entry in entries if entry[0].created_at is not None and entry[0].created_at <= latest]
    if selection.owner:
        entries = [entry for entry in entries if judgement.owners[entry[0].id] == selection.owner]
    if selection.rule:
        breaking = {each.csr.id for each in judgement.violating(now) if each.rule is selection.rule}
        entries = [entry for entry in entries if entry[0].id in breaking]
    return entries


def _entries(snapshot: Snapshot, sort: Sort) -> Sequence[Entry]:
    """All of *snapshot*, sorted the first time it is asked for."""
    index = _INDEX.setdefault(snapshot, {})
    if sort not in index:
        known = next(iter(index.values()), None) or _searched(snapshot.inventory.csrs)
        key = _WITHIN_ACCOUNT[sort]
        index[sort] = sorted(known, key=lambda entry: key(entry[0]))
    return index[sort]


def _searched(csrs: Iterable[Csr]) -> list[Entry]:
    return [(csr, searchable(csr.name, csr.domain, *csr.sans, csr.id)) for csr in csrs]


def _merged(runs: Mapping[str, Sequence[Entry]], sort: Sort) -> Iterator[Row]:
    rows = [_rows(name, run) for name, run in runs.items() if run]
    if sort is Sort.ACCOUNT:
        return (row for each in rows for row in each)
    key = _WITHIN_ACCOUNT[sort]
    return merge(*rows, key=lambda row: (*key(row[1]), row[0]))


def _rows(name: str, run: Sequence[Entry]) -> Iterator[Row]:
    return ((name, csr) for csr, _ in run)
