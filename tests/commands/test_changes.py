"""``csr-exporter changes``: the journal on the command line."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from csr_exporter.journal import Journal
from tests.commands.invoking import invoke
from tests.fakes import DAY, a_csr, an_inventory
from tests.journal.world import polled, record

A, B = a_csr("1"), a_csr("2")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The storage of a daemon that is running, and has seen something a month and a half ago and today."""
    now = time.time()
    with closing(Journal(tmp_path / "storage")) as journal:
        journal.open()
        (first,) = polled([A])
        second = first.after_success(an_inventory(A, B), now - 45 * DAY, seconds=0.1)
        renamed = replace(B, name="[bold]=1+1[/bold]")
        record(journal, first, second, second.after_success(an_inventory(renamed), now - 60, seconds=0.1))
        record(journal, *polled([], [A], name="staging"))
        yield tmp_path / "storage"


def test_changes_are_printed_while_a_daemon_writes_the_latest_first(folder: Path) -> None:
    result = invoke("changes", f"--storage.path={folder}", "--account=production", "--format=json")

    assert result.exit_code == 0
    assert [(each["change"], each["name"]) for each in json.loads(result.stdout)] == [
        ("renamed", "[bold]=1+1[/bold]"),
        ("removed", "shop-1"),
    ]


def test_how_far_to_look_back_is_a_choice(folder: Path) -> None:
    result = invoke(
        "changes", "--since=60d", "--account=production", "--format=csv", CSR_EXPORTER_STORAGE_PATH=str(folder)
    )

    assert [each["change"] for each in csv.DictReader(io.StringIO(result.stdout))] == ["renamed", "removed", "added"]


def test_a_table_shows_names_as_they_are(folder: Path) -> None:
    result = invoke("changes", f"--storage.path={folder}")

    assert "shop-2 → [bold]=1+1[/bold]" in result.stdout
    assert "staging" in result.stdout


@pytest.mark.parametrize(
    ("form", "text"), [("json", "[]\n"), ("csv", "seen_at,since,account,change,id,name,previous_name,")]
)
def test_nothing_is_also_an_answer(folder: Path, form: str, text: str) -> None:
    result = invoke("changes", f"--storage.path={folder}", "--account=nobody", f"--format={form}")

    assert result.exit_code == 0
    assert result.stdout.startswith(text)


def test_a_folder_without_a_journal_is_said_to_be_one(tmp_path: Path) -> None:
    result = invoke("changes", f"--storage.path={tmp_path}")

    assert result.exit_code == 1
    assert result.stderr == f"Error: {tmp_path}: cannot read the journal: unable to open database file\n"
    assert list(tmp_path.iterdir()) == []


def test_a_journal_of_a_newer_version_is_said_to_be_one(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "journal.db")) as connection:
        connection.execute("PRAGMA user_version = 1000")

    result = invoke("changes", f"--storage.path={folder}")

    assert result.exit_code == 1
    assert "journal.db has version 1000; this exporter knows versions up to 1" in result.stderr


def test_the_folder_has_to_be_named() -> None:
    result = invoke("changes")

    assert result.exit_code == 2
    assert "name the folder that `run` was given: --storage.path" in result.stderr
