"""The CSRs of all accounts as a table, JSON or CSV."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from csr_exporter.commands.once import Watch, poll_once, pollers_for
from csr_exporter.commands.terminal import broken_at_words
from csr_exporter.config import AccountConfig, Config
from csr_exporter.inventory import ADVICE, Csr, Page
from csr_exporter.page import Selection, as_csv, csr_fields, find
from csr_exporter.status import Status

Row = tuple[str, Csr]
"""The name of an account, and one of its CSRs."""

ORDERS: Mapping[str, Callable[[Row], tuple[object, ...]]] = {
    "age": lambda row: (row[1].created_at is None, row[1].created_at or 0.0, row[0], row[1].id),
    "name": lambda row: (row[1].name.casefold(), row[0], row[1].id),
    "algorithm": lambda row: (row[1].algorithm, row[1].created_at or 0.0, row[0], row[1].id),
}


def print_csrs(config: Config, accounts: Sequence[AccountConfig], form: str, sort: str, selection: Selection) -> bool:
    """Print the CSRs of *accounts* in *selection*; whether all could be polled.

    What is missing goes to standard error.
    """
    with _progress() as watch:
        statuses = poll_once(pollers_for(config, accounts, watch))
    _print(statuses, form, sort, selection)
    return all(status.up for status in statuses)


def _print(statuses: Sequence[Status], form: str, sort: str, selection: Selection) -> None:
    FORMS[form](sorted(find(statuses, selection, time.time()).rows, key=ORDERS[sort]))
    warn_of_missing(statuses)


def warn_of_missing(statuses: Sequence[Status]) -> None:
    """Say on standard error which accounts could not be listed whole, and why."""
    for status in statuses:
        if missing := _what_is_missing(status):
            click.echo(broken_at_words(f"{status.account.name}: {missing}", sys.stderr), err=True)


def _what_is_missing(status: Status) -> str | None:
    if status.error:
        return f"{status.error.reason}: {status.error.detail}; {ADVICE[status.error.reason]}"
    if status.snapshot and not status.snapshot.inventory.complete:
        missing = status.snapshot.inventory.missing
        return f"incomplete: {'an unknown number' if missing is None else missing} of the CSRs could not be listed"
    return None


@contextmanager
def _progress() -> Iterator[Watch]:
    """On a terminal, a bar for each account until all of its CSRs have come in."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TextColumn("CSRs"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        seen: dict[str, set[str]] = {}
        tasks: dict[str, TaskID] = {}

        def watch(name: str, page: Page) -> None:
            if name not in tasks:
                tasks[name], seen[name] = progress.add_task(name, total=page.total), set()
            seen[name].update(csr.id for csr in page.csrs)
            progress.update(tasks[name], completed=len(seen[name]), visible=len(seen[name]) != page.total)

        yield watch


def _print_json(rows: Sequence[Row]) -> None:
    click.echo(json.dumps([csr_fields(*row) for row in rows], ensure_ascii=False, indent=2))


def _print_csv(rows: Sequence[Row]) -> None:
    for part in as_csv(csr_fields("", Csr("")), (csr_fields(*row) for row in rows)):
        click.echo(part, nl=False)


COLUMNS: Mapping[str, Callable[[str, Csr, float], str]] = {
    "Account": lambda account, _csr, _now: account,
    "Name": lambda _account, csr, _now: csr.name or csr.domain,
    "Domain": lambda _account, csr, _now: csr.domain,
    "Algorithm": lambda _account, csr, _now: csr.algorithm,
    "Usage": lambda _account, csr, _now: csr.usage,
    "Created": lambda _account, csr, _now: _date(csr.created_at),
    "Age": lambda _account, csr, now: _age(csr.created_at, now),
}
"""What a table says of the CSR of an account at the present time."""

DISPENSABLE = ("Usage", "Created", "Domain", "Account")
"""Columns that a narrow terminal does without, the first of these first. Of the others nothing is cut off."""

FOLDED = ("Name", "Domain")
FOLDED_WIDTH = 30
"""Columns that continue on a further line rather than be wider than this at the cost of others."""

BETWEEN = 3
"""Characters between two columns."""


def _print_table(rows: Sequence[Row]) -> None:
    now = time.time()
    columns = {title: [cell(*row, now) for row in rows] for title, cell in COLUMNS.items()}
    widths = {title: max(map(cell_len, [title, *cells])) for title, cells in columns.items()}
    console = Console(width=None if sys.stdout.isatty() else max(80, _total(widths)))
    least = {title: min(width, FOLDED_WIDTH) if title in FOLDED else width for title, width in widths.items()}
    for title in DISPENSABLE:
        if _total(least) > console.width:
            del columns[title], least[title]
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in columns:
        justify: JustifyMethod = "right" if title == "Age" else "left"
        table.add_column(title, justify=justify, overflow="fold", no_wrap=title not in FOLDED)
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*map(Text, cells))  # as `Text`, in which a name cannot pass for markup
    console.print(table)


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + BETWEEN * (len(widths) - 1)


def _date(instant: float | None) -> str:
    return "unknown" if instant is None else f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%d %H:%M}"


def _age(instant: float | None, now: float) -> str:
    return "unknown" if instant is None else f"{max(0.0, now - instant) / 86_400:.0f} d"


FORMS: Mapping[str, Callable[[Sequence[Row]], None]] = {"table": _print_table, "json": _print_json, "csv": _print_csv}
