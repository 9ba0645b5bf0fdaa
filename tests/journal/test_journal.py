"""The journal: what it keeps over a restart, for how long, and for whom."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
import structlog

from csr_exporter.inventory import ChangeKind, ChangeQuery, OffsetMode
from csr_exporter.journal import Journal, JournalInUseError, writer
from csr_exporter.journal.database import MIGRATIONS, migrate, writing
from csr_exporter.status import Churn, Complete, Remembered
from tests.fakes import DAY, NOW, a_csr, an_inventory
from tests.journal.world import EVERYTHING, polled, record, remembered, told

A, B, C = a_csr("1"), a_csr("2"), a_csr("3")


@pytest.fixture(params=["folder", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    """One of each kind."""
    folder = tmp_path / "storage" if request.param == "folder" else None
    with closing(Journal(folder, now=lambda: NOW)) as journal:
        journal.open()
        yield journal


def test_changes_are_told_the_latest_first(journal: Journal) -> None:
    record(journal, *polled([A], [A, B], [B], [replace(B, name="renamed"), C]))

    assert told(journal) == ["added shop-3", "renamed renamed", "removed shop-1", "added shop-2"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (ChangeQuery(accounts=("staging",)), ["added shop-3"]),
        (ChangeQuery(accounts=("staging", "production"), kind=ChangeKind.REMOVED), ["removed shop-1"]),
        (ChangeQuery(text="1.SHOP.ex"), ["removed shop-1"]),
        (ChangeQuery(text="%"), []),
        (ChangeQuery(since=NOW + 600), ["removed shop-1"]),
        (ChangeQuery(limit=1), ["added shop-3"]),
        (ChangeQuery(accounts=("nobody",)), []),
    ],
)
def test_a_query_narrows_them(journal: Journal, query: ChangeQuery, found: list[str]) -> None:
    record(journal, *polled([A], [A, B], [B]))
    record(journal, *polled([], [C], name="staging"))

    assert told(journal, query) == found


def test_the_changes_before_a_number_are_the_next_page(journal: Journal) -> None:
    record(journal, *polled([], [A], [A, B], [A, B, C]))

    (number, _), *_ = journal.changes(ChangeQuery(limit=1))

    assert told(journal, ChangeQuery(before=number)) == ["added shop-2", "added shop-1"]


def test_without_storage_the_latest_changes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MOST_IN_MEMORY", 3)
    with closing(Journal(now=lambda: NOW)) as journal:
        for status in polled([], [A], [], [B], [], [C]):
            record(journal, status)

        assert told(journal) == ["added shop-3", "removed shop-2", "added shop-2"]
        assert journal.failures is None
        assert journal.remembered("production", "same") is None


# --- over a restart ---------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "storage"


def keep(folder: Path, *statuses: object, identity: str = "same", now: float = NOW) -> None:
    """What a process does from its start to its end."""
    with closing(Journal(folder, now=lambda: now)) as journal:
        journal.open()
        record(journal, *statuses, identity=identity)  # type: ignore[arg-type] # statuses
        assert journal.failures == 0


def test_an_account_is_remembered_whole(folder: Path) -> None:
    a = a_csr("1", name="名\u202f<b>", sans=("*.a.example", "b.example"), created_at=None, company_city="Beijing")
    counts = MappingProxyType({"EC_P256": 2})
    inventory = an_inventory(a, B, by_algorithm=counts, offset_mode=OffsetMode.PAGE1, requests=7, slices=3, carried=1)
    (first,) = polled([B])

    keep(folder, first, first.after_success(inventory, NOW + 300, seconds=1.0))

    assert remembered(folder) == Remembered(Churn(added=1), Complete(inventory, NOW + 300))


def test_the_stored_inventory_follows_every_change(folder: Path) -> None:
    statuses = polled([A, B], [B, C], [replace(B, name="renamed"), C], [C])

    keep(folder, *statuses)

    found = remembered(folder)
    assert found
    assert found.complete == statuses[-1].complete
    assert found.churn == Churn(added=1, removed=2, renamed=1)


def test_counters_go_on_in_the_next_process(folder: Path) -> None:
    statuses = polled([A], [A, B])
    keep(folder, *statuses)
    resumed = replace(statuses[0], churn=Churn()).resumed(remembered(folder) or Remembered())

    keep(folder, *polled([B, C], start=resumed))

    with closing(Journal(folder)) as journal:
        assert told(journal) == ["added shop-3", "removed shop-1", "added shop-2"]
    assert remembered(folder) == Remembered(Churn(added=2, removed=1), Complete(an_inventory(B, C), NOW))


def test_an_account_with_another_identity_starts_anew_and_the_journal_keeps_what_it_has(folder: Path) -> None:
    keep(folder, *polled([A], [A, B]))

    with structlog.testing.capture_logs() as events:
        assert remembered(folder, identity="another") is None
    keep(folder, *polled([C]), identity="another")

    assert [(each["event"], each["account"]) for each in events] == [("account_starts_anew", "production")]
    assert remembered(folder, identity="another") == Remembered(Churn(), Complete(an_inventory(C), NOW))
    with closing(Journal(folder)) as journal:
        assert told(journal) == ["added shop-2"]


def test_what_is_older_than_the_retention_is_deleted(folder: Path) -> None:
    keep(folder, *polled([A], [A, B]))
    keep(folder, *polled([A], name="abandoned"))

    later = NOW + 401 * DAY
    keep(folder, *polled([C], name="staging"), now=later)

    with closing(Journal(folder, now=lambda: later)) as journal:
        journal.open()
        assert told(journal) == []
        assert journal.remembered("abandoned", "same") is None
        assert journal.remembered("staging", "same")


def test_files_and_folder_are_for_their_owner_alone(folder: Path) -> None:
    with closing(Journal(folder)) as journal:
        journal.open()
        record(journal, *polled([A]))

        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in [folder, *folder.iterdir()]}

    assert modes == {
        "storage": 0o700,
        "journal.db": 0o600,
        "journal.db-wal": 0o600,
        "journal.db-shm": 0o600,
        "journal.lock": 0o600,
    }


def test_a_second_process_is_refused_and_may_come_once_the_first_is_gone(folder: Path) -> None:
    first, second = Journal(folder), Journal(folder)
    with closing(first), closing(second):
        first.open()

        with pytest.raises(JournalInUseError, match="storage: another csr-exporter keeps its journal here"):
            second.open()

    with closing(Journal(folder)) as third:
        third.open()


def test_an_older_file_is_brought_up_to_date(folder: Path) -> None:
    keep(folder, *polled([A], [A, B]))
    further = "ALTER TABLE changes ADD COLUMN note TEXT; CREATE INDEX changes_by_note ON changes (note)"

    with closing(writing(folder, (*MIGRATIONS, further))) as connection:
        found = connection.execute("SELECT name, note FROM changes").fetchall()
        version = connection.execute("PRAGMA user_version").fetchone()

    assert (found, version) == ([("shop-2", None)], (len(MIGRATIONS) + 1,))


def test_a_migration_that_fails_leaves_the_file_as_it_was() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, (*MIGRATIONS, "CREATE TABLE more (id); CREATE TABLE changes (id)"))

        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert "more" not in tables
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


def test_reading_waits_for_no_writer(folder: Path) -> None:
    with closing(Journal(folder)) as journal:
        journal.open()
        record(journal, *polled([A], [A, B]))
        with closing(sqlite3.connect(folder / "journal.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")

            assert [change.name for _, change in journal.changes(EVERYTHING)] == ["shop-2"]
