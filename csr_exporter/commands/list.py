"""The CSRs of all accounts as a table, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from csr_exporter.commands.once import Watch, poll_once, pollers_for
from csr_exporter.config import AccountConfig, Config
from csr_exporter.inventory import ADVICE, Csr, Page
from csr_exporter.status import Status

Row = tuple[str, Csr]
"""The name of an account, and one of its CSRs."""

ORDERS: Mapping[str, Callable[[Row], tuple[object, ...]]] = {
    "age": lambda row: (row[1].created_at is None, row[1].created_at or 0.0, row[0], row[1].id),
    "name": lambda row: (row[1].name.casefold(), row[0], row[1].id),
    "algorithm": lambda row: (row[1].algorithm, row[1].created_at or 0.0, row[0], row[1].id),
}


def print_csrs(config: Config, accounts: Sequence[AccountConfig], form: str, sort: str) -> bool:
    """Print the CSRs of *accounts*; whether all could be polled. What is missing goes to standard error."""
    with _progress() as watch:
        statuses = poll_once(pollers_for(config, accounts, watch))
    snapshots = [(status.account.name, status.snapshot) for status in statuses if status.snapshot]
    rows = [(name, csr) for name, snapshot in snapshots for csr in snapshot.inventory.csrs]
    FORMS[form](sorted(rows, key=ORDERS[sort]))
    for status in statuses:
        _print_what_is_missing(status)
    return all(status.up for status in statuses)


def _print_what_is_missing(status: Status) -> None:
    if status.error:
        advice = ADVICE[status.error.reason]
        click.echo(f"{status.account.name}: {status.error.reason}: {status.error.detail}; {advice}", err=True)
    elif status.snapshot and not status.snapshot.inventory.complete:
        missing = status.snapshot.inventory.missing
        count = "an unknown number" if missing is None else missing
        click.echo(f"{status.account.name}: incomplete: {count} of the CSRs could not be listed", err=True)


@contextmanager
def _progress() -> Iterator[Watch]:
    """On a terminal, a bar for each account while its pages come in."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TextColumn("CSRs"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        seen: dict[str, set[str]] = {}
        tasks: dict[str, TaskID] = {}

        def watch(name: str, page: Page) -> None:
            if name not in tasks:
                tasks[name], seen[name] = progress.add_task(name, total=page.total), set()
            seen[name].update(csr.id for csr in page.csrs)
            progress.update(tasks[name], completed=len(seen[name]))

        yield watch


def _fields(account: str, csr: Csr) -> dict[str, object]:
    """A row with the field names of the API."""
    return {
        "account": account,
        "id": csr.id,
        "name": csr.name,
        "domain_name": csr.domain,
        "sans": ";".join(csr.sans),
        "private_key_algo": csr.algorithm,
        "usage": csr.usage,
        "company_country": csr.company_country,
        "company_province": csr.company_province,
        "company_city": csr.company_city,
        "company_name": csr.company_name,
        "create_time": _milliseconds(csr.created_at),
        "update_time": _milliseconds(csr.updated_at),
    }


def _milliseconds(instant: float | None) -> int | None:
    return None if instant is None else round(instant * 1000)


def _print_json(rows: Sequence[Row]) -> None:
    click.echo(json.dumps([_fields(*row) for row in rows], ensure_ascii=False, indent=2))


def _print_csv(rows: Sequence[Row]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(_fields("", Csr(""))))
    writer.writeheader()
    writer.writerows(_fields(*row) for row in rows)
    click.echo(out.getvalue(), nl=False)


def _print_table(rows: Sequence[Row]) -> None:
    table = Table("Account", "Name", "Domain", "Algorithm", "Usage", "Created", "Age")
    table.columns[-1].justify = "right"
    now = time.time()
    for account, csr in rows:
        texts = (account, csr.name, csr.domain, csr.algorithm, csr.usage, *_created_and_age(csr.created_at, now))
        table.add_row(*map(Text, texts))  # as `Text`, in which a name cannot pass for markup
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _created_and_age(instant: float | None, now: float) -> tuple[str, str]:
    if instant is None:
        return "unknown", "unknown"
    return f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%d %H:%M}", f"{max(0.0, now - instant) / 86_400:.0f} d"


FORMS: Mapping[str, Callable[[Sequence[Row]], None]] = {"table": _print_table, "json": _print_json, "csv": _print_csv}
