"""Polling once: for the textfile collector, and for a list to read."""

from __future__ import annotations

import csv
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from csr_exporter.cloud.auth import Leases
from csr_exporter.config import Config
from csr_exporter.exposition import TEXT, joined
from csr_exporter.exposition import exposition as rendered
from csr_exporter.inventory import ADVICE, Csr, Page
from csr_exporter.polling.accounts import exposed_by, poller_for
from csr_exporter.polling.threads import DaemonThreads
from csr_exporter.status import Status

MOST_THREADS = 32

Watch = Callable[[str, Page], None]


def poll(config: Config, names: Sequence[str], watch: Watch = lambda _name, _page: None) -> list[Status]:
    """The status of each of the accounts *names* after one poll; *watch* sees the pages as they come."""
    leases = Leases()
    pollers = [
        poller_for(config, account, leases, watch=lambda page, name=account.name: watch(name, page))  # type: ignore[misc] # mypy cannot infer a lambda with a default
        for account in config.accounts
        if account.name in names
    ]
    threads = DaemonThreads(MOST_THREADS, "poll")  # not waited for where someone is tired of waiting
    list(threads.map(lambda poller: poller.poll(), pollers))
    threads.shutdown()
    return [poller.status for poller in pollers]


def exposition(config: Config) -> tuple[str, bool]:
    """The text of one poll of all accounts, and whether all succeeded."""
    statuses = poll(config, [account.name for account in config.accounts])
    text = joined(rendered(statuses, exposed_by(config), time.time(), [], TEXT))
    return text.decode(), all(status.up for status in statuses)


def replace_file(file: Path, text: str) -> None:
    """Write *text* to *file* so that a reader sees the old or the new text, never a part."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}.", delete=False
    ) as new:
        new.write(text)
    Path(new.name).chmod(0o644)
    Path(new.name).replace(file)


def print_list(config: Config, names: Sequence[str], form: str, sort: str) -> bool:
    """Print the CSRs of the accounts *names*; whether all could be polled. What is missing goes to standard error."""
    with _progress() as watch:
        statuses = poll(config, names, watch)
    rows = [
        (status.account.name, csr) for status in statuses if status.snapshot for csr in status.snapshot.inventory.csrs
    ]
    rows.sort(key=_ORDERS[sort])
    _FORMS[form](rows)
    for status in statuses:
        _report(status)
    return all(status.up for status in statuses)


_ORDERS: dict[str, Callable[[tuple[str, Csr]], tuple[object, ...]]] = {
    "age": lambda row: (row[1].created_at is None, row[1].created_at or 0.0, row[0], row[1].id),
    "name": lambda row: (row[1].name.casefold(), row[0], row[1].id),
    "algorithm": lambda row: (row[1].algorithm, row[1].created_at or 0.0, row[0], row[1].id),
}


def _report(status: Status) -> None:
    if status.error:
        advice = ADVICE[status.error.reason]
        click.echo(f"{status.account.name}: {status.error.reason}: {status.error.detail}; {advice}", err=True)
    elif status.snapshot and not status.snapshot.inventory.complete:
        missing = status.snapshot.inventory.missing
        count = "an unknown number" if missing is None else missing
        click.echo(f"{status.account.name}: incomplete: {count} of the CSRs could not be listed", err=True)


@contextmanager
def _progress() -> Iterator[Watch]:
    """A bar for each account while its pages come in, on a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TextColumn("CSRs"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        seen: dict[str, set[str]] = {}
        tasks: dict[str, object] = {}

        def watch(name: str, page: Page) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=page.total)
                seen[name] = set()
            seen[name].update(csr.id for csr in page.csrs)
            progress.update(tasks[name], completed=len(seen[name]))  # type: ignore[arg-type] # an int with a name

        yield watch


# --- forms ------------------------------------------------------------------------------------------------------------


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


def _print_json(rows: Sequence[tuple[str, Csr]]) -> None:
    click.echo(json.dumps([_fields(*row) for row in rows], ensure_ascii=False, indent=2))


def _print_csv(rows: Sequence[tuple[str, Csr]]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(_fields("", Csr(""))))
    writer.writeheader()
    writer.writerows(_fields(*row) for row in rows)
    click.echo(out.getvalue(), nl=False)


def _print_table(rows: Sequence[tuple[str, Csr]]) -> None:
    table = Table("Account", "Name", "Domain", "Algorithm", "Usage", "Created", "Age")
    table.columns[-1].justify = "right"
    now = time.time()
    for account, csr in rows:
        created, age = _moment(csr.created_at), _age(csr.created_at, now)
        # As `Text`, which takes no mark-up from a name.
        table.add_row(*map(Text, (account, csr.name, csr.domain, csr.algorithm, csr.usage, created, age)))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _moment(instant: float | None) -> str:
    return "unknown" if instant is None else datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d %H:%M")


def _age(instant: float | None, now: float) -> str:
    return "unknown" if instant is None else f"{max(0.0, now - instant) / 86_400:.0f} d"


_FORMS: dict[str, Callable[[Sequence[tuple[str, Csr]]], None]] = {
    "table": _print_table,
    "json": _print_json,
    "csv": _print_csv,
}
