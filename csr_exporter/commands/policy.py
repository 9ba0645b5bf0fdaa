"""The CSRs that break the policy, from a fresh listing or a saved one."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from csr_exporter.cloud.replies import read_csr
from csr_exporter.commands.list import warn_of_missing
from csr_exporter.commands.once import poll_once, pollers_for
from csr_exporter.config import AccountConfig, Config
from csr_exporter.inventory import Csr
from csr_exporter.page import as_csv, iso8601
from csr_exporter.policy import Finding, Policy, Rule, judge

Listing = Mapping[str, Sequence[Csr]]
"""The CSRs of each account by its name."""


Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which findings to show; what is empty shows all."""

    rules: tuple[Rule, ...] = ()
    owners: tuple[str, ...] = ()

    def __contains__(self, found: Finding) -> bool:
        of_rule = not self.rules or found.rule in self.rules
        return of_rule and (not self.owners or found.owner in self.owners)


def fresh(config: Config, accounts: Sequence[AccountConfig]) -> tuple[Listing, bool]:
    """The CSRs of *accounts*, and whether all could be listed whole; what is missing goes to standard error."""
    statuses = poll_once(pollers_for(config, accounts))
    warn_of_missing(statuses)
    snapshots = {status.account.name: status.snapshot for status in statuses if status.snapshot}
    whole = len(snapshots) == len(accounts) and all(each.inventory.complete for each in snapshots.values())
    return {name: snapshot.inventory.csrs for name, snapshot in snapshots.items()}, whole


def saved(file: TextIO) -> Listing:
    """The CSRs that ``list --format=json`` wrote to *file*. Raises `click.ClickException`."""
    try:
        entries = json.load(file)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list):
        raise click.ClickException(f"{file.name}: expected what list --format=json prints")
    listing: dict[str, list[Csr]] = {}
    for position, entry in enumerate(entries):
        csr, _ = read_csr(entry, time.time())
        account = entry.get("account") if isinstance(entry, dict) else None
        if csr is None or not isinstance(account, str):
            raise click.ClickException(f"{file.name}: entry {position}: expected a CSR with account and id")
        listing.setdefault(account, []).append(csr)
    return listing


def print_findings(listing: Listing, policy: Policy, wanted: Wanted, form: str) -> bool:
    """Print what breaks *policy* and is *wanted*; whether all of it is waived."""
    now = time.time()
    rows = []
    for account, csrs in sorted(listing.items()):
        judgement = judge(account, csrs, policy)
        found = [*judgement.violating(now), *judgement.waived(now)]
        rows += [_fields(account, each, now) for each in found if each in wanted]
    FORMS[form](rows)
    return all(row["waiver"] for row in rows)


def _fields(account: str, found: Finding, now: float) -> Row:
    """*found* with the field names of the API, and *waiver* only as long as that excuses it."""
    csr = found.csr
    waiver = found.waiver if found.waiver and found.waiver.until > now else None
    return {
        "account": account,
        "rule": found.rule,
        "owner": found.owner,
        "id": csr.id,
        "name": csr.name,
        "domain_name": csr.domain,
        "private_key_algo": csr.algorithm,
        "create_time": None if csr.created_at is None else round(csr.created_at * 1000),
        "waiver": waiver and waiver.name,
        "waived_until": waiver and iso8601(waiver.until),
    }


def _print_json(rows: Sequence[Row]) -> None:
    click.echo(json.dumps(rows, ensure_ascii=False, indent=2))


def _print_csv(rows: Sequence[Row]) -> None:
    nothing = Finding(Csr(""), Rule.MAX_AGE, "", begins=0.0)
    for part in as_csv(_fields("", nothing, 0.0), rows):
        click.echo(part, nl=False)


def _print_table(rows: Sequence[Row]) -> None:
    table = Table("Account", "Rule", "Owner", "Name", "Domain", "Algorithm", "Waived")
    for row in rows:
        waived = f"{row['waiver']}, until {str(row['waived_until'])[:10]}" if row["waiver"] else ""
        texts = (row[name] for name in ("account", "rule", "owner", "name", "domain_name", "private_key_algo"))
        table.add_row(*map(Text, (*map(str, texts), waived)))  # as `Text`, in which a name cannot pass for markup
    Console(width=None if sys.stdout.isatty() else 160).print(table)


FORMS: Mapping[str, Callable[[Sequence[Row]], None]] = {"table": _print_table, "json": _print_json, "csv": _print_csv}
