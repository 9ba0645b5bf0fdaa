"""A process that records as fast as it can, killed at random: ``python -m tests.journal.killing TIMES FOLDER``."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from csr_exporter.inventory import Change, ChangeKind, ChangeQuery, Csr, Inventory
from csr_exporter.journal import Journal
from csr_exporter.status import Account, Churn, Remembered, Status

NOW = 1_800_000_000.0
LONGEST = 0.06
"""Seconds from the first record to the kill: some tens of transactions."""


@dataclass
class Kills:
    """What was found after each kill, once the journal was opened again; *changes* is how many it has at the end."""

    changes: int = 0
    contradictions: list[str] = field(default_factory=list)


def killed(folder: Path, times: int, seed: int) -> Kills:
    """Start the process and kill it, *times* times in the same folder."""
    chance, kills = random.Random(seed), Kills()  # noqa: S311 - nothing to be guessed
    for number in range(times):
        _kill(folder, chance.uniform(0, LONGEST), seed * times + number)
        kills.contradictions += contradictions(folder)
    with closing(Journal(folder)) as journal:
        kills.changes = len(journal.changes(ChangeQuery()))
    return kills


def _kill(folder: Path, seconds: float, seed: int) -> None:
    command = [sys.executable, "-m", "tests.journal.killing", "record", str(folder), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline()  # it has begun
        threading.Event().wait(seconds)
        process.kill()


def contradictions(folder: Path) -> Iterator[str]:
    """Where what is stored in *folder* does not add up: changes in order, counters and inventory."""
    with closing(Journal(folder, now=lambda: NOW)) as journal:
        journal.open()
        remembered = journal.remembered("production", "same") or Remembered()
        changes = [change for _, change in journal.changes(ChangeQuery())]
        if journal.failures:
            yield f"{journal.failures} failures"
    kinds = Counter(change.kind for change in changes)
    if remembered.churn != Churn(*(kinds[kind] for kind in ChangeKind)):
        yield f"counted {remembered.churn}, recorded {kinds}"
    names = {csr.id: csr.name for csr in remembered.complete.inventory.csrs} if remembered.complete else {}
    if replayed(changes) != names:
        yield f"the changes make {replayed(changes)} of nothing, but there is {names}"


def replayed(latest_first: list[Change]) -> dict[str, str]:
    """The names by id that *latest_first* make of an empty inventory."""
    names: dict[str, str] = {}
    for change in reversed(latest_first):
        if change.kind is ChangeKind.REMOVED:
            del names[change.id]
        else:
            names[change.id] = change.name
    return names


def record(folder: Path, seed: int) -> None:
    """Go on from what *folder* has, with random changes, for ever."""
    chance = random.Random(seed)  # noqa: S311 - nothing to be guessed
    journal = Journal(folder, now=lambda: NOW)
    journal.open()
    status = Status(Account("production")).resumed(journal.remembered("production", "same") or Remembered())
    if status.complete is None:
        status = status.after_success(_complete(()), NOW, seconds=0.1)
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    while True:
        csrs = tuple(_changed(status.complete.inventory.csrs if status.complete else (), chance))
        status = status.after_success(_complete(csrs), NOW, seconds=0.1)
        journal.record("production", "same", status.remembered, status.changes)
        if chance.random() < 0.5:  # half of them come while the one before is written
            journal.flush()


def _complete(csrs: tuple[Csr, ...]) -> Inventory:
    return Inventory(csrs, len(csrs), {"": len(csrs)}, complete=True)


def _changed(csrs: tuple[Csr, ...], chance: random.Random) -> Iterator[Csr]:
    for csr in csrs:
        match chance.randrange(10):
            case 0:
                continue
            case 1:
                yield Csr(csr.id, f"renamed-{chance.random()}")
            case _:
                yield csr
    for _ in range(chance.randrange(5)):
        yield Csr(f"{chance.getrandbits(60):x}", "new")


if __name__ == "__main__":
    if sys.argv[1] == "record":
        record(Path(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(f"{killed(Path(sys.argv[2]), int(sys.argv[1]), seed=1)}\n")
