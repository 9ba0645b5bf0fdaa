"""The changes in a journal as a table, JSON or CSV."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from csr_exporter.inventory import Change, ChangeKind, ChangeQuery
from csr_exporter.journal import NewerJournalError, reading, recorded
from csr_exporter.page import as_csv, change_fields


def print_changes(folder: Path, query: ChangeQuery, form: str) -> None:
    """Print the changes in *folder* that *query* asks for, the latest first. Raises `click.ClickException`."""
    try:
        with reading(folder) as connection:
            FORMS[form](change for _, change in recorded(connection, query))
    except (sqlite3.Error, ValueError) as error:
        raise click.ClickException(f"{folder}: cannot read the journal: {error}") from None
    except NewerJournalError as error:
        raise click.ClickException(f"{folder}: {error}") from None


def _print_json(changes: Iterable[Change]) -> None:
    lead = "["
    for change in changes:
        click.echo(f"{lead}{json.dumps(change_fields(change), ensure_ascii=False)}", nl=False)
        lead = ",\n "
    click.echo("[]" if lead == "[" else "]")


def _print_csv(changes: Iterable[Change]) -> None:
    nothing = Change(0.0, 0.0, "", ChangeKind.ADDED, "", "", "", "", "", None)
    for part in as_csv(change_fields(nothing), map(change_fields, changes)):
        click.echo(part, nl=False)


def _print_table(changes: Iterable[Change]) -> None:
    table = Table("Seen", "Change", "Account", "Name", "Domain", "Algorithm")
    for change in changes:
        name = f"{change.previous_name} → {change.name}" if change.previous_name else change.name
        seen_at = datetime.fromtimestamp(change.seen_at, UTC)
        texts = (f"{seen_at:%Y-%m-%d %H:%M}", change.kind, change.account, name, change.domain, change.algorithm)
        table.add_row(*map(Text, texts))  # as `Text`, in which a name cannot pass for markup
    Console(width=None if sys.stdout.isatty() else 160).print(table)


FORMS: Mapping[str, Callable[[Iterable[Change]], None]] = {
    "table": _print_table,
    "json": _print_json,
    "csv": _print_csv,
}
