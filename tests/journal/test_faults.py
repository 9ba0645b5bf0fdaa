"""What can happen to the storage: it is said and counted, nothing stops, and nothing is lost but what nobody wrote."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import structlog
from structlog.typing import EventDict

from csr_exporter.journal import Journal, database
from csr_exporter.status import Churn
from tests.fakes import NOW, a_csr, an_inventory
from tests.journal.killing import killed
from tests.journal.world import polled, record, remembered, told
from tests.processes import DEADLINE

A, B, C = a_csr("1"), a_csr("2"), a_csr("3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Journal, list[EventDict]]]:
    """A journal in *folder*, and what is logged meanwhile."""
    with structlog.testing.capture_logs() as events, closing(Journal(folder, now=lambda: NOW)) as journal:
        journal.open()
        yield journal, events


def faults(events: list[EventDict]) -> list[str]:
    return [each["fault"] for each in events if each["event"] == "storage_failed"]


def limit(pages: int) -> Callable[[], None]:
    """Have the disk be full once the database has *pages* pages; what is returned makes room."""
    make = database.writing

    def small(folder: Path) -> sqlite3.Connection:
        connection = make(folder)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        connections.append(connection)
        return connection

    connections: list[sqlite3.Connection] = []
    patch = pytest.MonkeyPatch()
    patch.setattr(database, "writing", small)

    def make_room() -> None:
        patch.undo()
        connections[0].execute("PRAGMA max_page_count = 1000000")

    return make_room


def test_on_a_full_disk_changes_wait_until_there_is_room(folder: Path) -> None:
    many = [a_csr(f"{number}") for number in range(300)]
    first, second, third = polled([A], many, [B])
    make_room = limit(pages=12)
    with opened(folder) as (journal, events):
        record(journal, first)
        record(journal, second)
        record(journal, third)

        assert (journal.failures, journal.failing, faults(events)) == (2, True, ["full"])
        assert told(journal) == []
        kept = remembered_beside(folder)
        make_room()
        record(journal, *polled([B], start=third))

        assert not journal.failing
        assert events[-1]["event"] == "storage_recovered"
        assert len(told(journal)) == third.churn.added + third.churn.removed

    assert kept == first.complete
    found = remembered(folder)
    assert found
    assert found.churn == third.churn


def remembered_beside(folder: Path) -> object:
    """What is stored, read from a copy: the folder itself is in use."""
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    found = remembered(copy)
    return found and found.complete


def scenario(name: str, folder: Path, prepare: Callable[[], None] | None = None) -> list[str]:
    """The last line that `tests.journal.scenarios` prints, in words."""
    command = [sys.executable, "-W", "error", "-m", "tests.journal.scenarios", name, str(folder)]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE, preexec_fn=prepare)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()[-1].split()


def test_a_process_that_may_write_no_larger_files_goes_on(folder: Path) -> None:
    """As on a full disk, but refused by the system rather than by SQLite."""

    def no_large_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    assert scenario("large", folder, no_large_files) == ["1", "failures", "0", "changes"]
    found = remembered(folder)
    assert found
    assert found.churn == Churn()


def test_a_folder_that_may_not_be_written_stops_nothing(folder: Path) -> None:
    with opened(folder) as (journal, _):
        record(journal, *polled([A], [A, B]))
    folder.chmod(0o500)

    assert scenario("unprivileged", folder) == ["not_writable"]


def test_a_locked_database_delays_only_what_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_WAIT", 0.05)
    with opened(folder) as (journal, events):
        first, second = polled([A], [A, B])
        record(journal, first)
        with closing(sqlite3.connect(folder / "journal.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            record(journal, second)

            assert (journal.failures, faults(events)) == (1, ["locked"])
            other.execute("ROLLBACK")
        record(journal, *polled([A, B], start=second))

        assert told(journal) == ["added shop-2"]


@pytest.mark.parametrize("damage", ["text", "cut", "garbled"])
def test_a_damaged_file_is_put_aside_and_a_new_one_begun(folder: Path, damage: str) -> None:
    with opened(folder) as (journal, _):
        record(journal, *polled([A], [A, B]))
    file = folder / "journal.db"
    content = file.read_bytes()
    broken = {"text": b"not a database\n" * 500, "cut": content[:5000], "garbled": garbled(content)}[damage]
    file.write_bytes(broken)

    with opened(folder) as (journal, events):
        assert journal.remembered("production", "same") is None
        record(journal, *polled([A], [A, C]))
        assert told(journal) == ["added shop-3"]

    assert faults(events) == ["damaged"]
    (aside,) = [each for each in folder.iterdir() if "damaged" in each.name]
    assert aside.name == "journal.db.damaged-20270115T080000.000000Z"
    assert aside.read_bytes() == broken
    found = remembered(folder)
    assert found
    assert found.churn == Churn(added=1)


def garbled(content: bytes) -> bytes:
    """*content* whose first page alone is sound."""
    return content[:4096] + b"\x5a" * (len(content) - 4096)


def test_damage_that_only_a_reader_meets_is_found_by_the_next_write(folder: Path) -> None:
    with opened(folder) as (journal, _):
        record(journal, *polled([A], [a_csr(f"{number}") for number in range(400)]))
    with closing(sqlite3.connect(folder / "journal.db")) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'changes'").fetchone()
    file = folder / "journal.db"
    content = bytearray(file.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    file.write_bytes(content)

    with opened(folder) as (journal, events):
        before = journal.remembered("production", "same")
        assert told(journal) == []
        record(journal, *polled([C], name="staging"))
        record(journal, *polled([C], name="staging"))

        assert before
        assert faults(events) == ["damaged"]
        assert not journal.failing
    assert [each.name for each in folder.iterdir() if "damaged" in each.name] != []


def test_a_file_of_a_newer_version_is_left_alone(folder: Path) -> None:
    with opened(folder) as (journal, _):
        record(journal, *polled([A], [A, B]))
    with closing(sqlite3.connect(folder / "journal.db")) as connection:
        connection.execute("PRAGMA user_version = 1000")
    before = (folder / "journal.db").read_bytes()

    with opened(folder) as (journal, events):
        assert journal.remembered("production", "same") is None
        record(journal, *polled([A], [A, C]))
        assert told(journal) == []

        assert journal.failing
    assert faults(events) == ["newer_version"]
    assert events[0]["detail"] == "journal.db has version 1000; this exporter knows versions up to 1"
    assert (folder / "journal.db").read_bytes() == before


def test_a_folder_that_cannot_be_made_is_tried_again(tmp_path: Path) -> None:
    obstacle = tmp_path / "obstacle"
    obstacle.write_text("", encoding="utf-8")
    folder = obstacle / "storage"

    with opened(folder) as (journal, events):
        record(journal, *polled([A], [A, B]))

        assert journal.failing
        obstacle.unlink()
        record(journal, *polled([A, B]))
        assert told(journal) == ["added shop-2"]

    assert len(faults(events)) == 1
    assert events[-1]["event"] == "storage_recovered"


def test_a_clock_that_was_set_back_neither_deletes_nor_reorders(folder: Path) -> None:
    (first,) = polled([A])
    late = first.after_success(an_inventory(A, B), NOW + 7200, seconds=0.1)
    early = late.after_success(an_inventory(B), NOW - 7200, seconds=0.1)

    with opened(folder) as (journal, _):
        record(journal, first, late, early)

        assert told(journal) == ["removed shop-1", "added shop-2"]
    found = remembered(folder)
    assert found
    assert found.complete
    assert found.complete.at == NOW - 7200


@pytest.mark.parametrize("seed", range(2))
def test_a_process_killed_at_any_moment_leaves_a_journal_that_adds_up(folder: Path, seed: int) -> None:
    kills = killed(folder, times=5, seed=seed)

    assert kills.changes > 0
    assert kills.contradictions == []
