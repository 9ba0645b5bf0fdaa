"""How many requests a poll takes: the tables in docs/completeness.md, written by ``python -m tests.requests_table``.

One account whose offsets count records and end at 100, newest first. With ``--constants`` it prints instead what other
values of the planner's two constants would cost.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from csr_exporter.inventory import Inventory
from csr_exporter.listing import Knowledge, Limits, Reading, plan, read
from tests.listing.fake_scm import FakeScm
from tests.listing.plausible import TEAMS, plausible_csrs

PAGE = Path(__file__).parent.parent / "docs" / "completeness.md"
BEGIN, END = "<!-- requests: begin -->\n", "<!-- requests: end -->\n"
SIZES = (50, 150, 151, 400, 901, 2000, 10_000)
RANDOM_SIZES = (3000, 5000, 10_000)
MEANINGS = ("substring", "prefix", "exact", "ignored")
POLLS = 4
BY_SIZE = "| CSRs | pages | first poll | second | third | fourth |\n| ---: | ---: | ---: | ---: | ---: | ---: |\n"
BY_MEANING = (
    "| `name` selects by | 400 CSRs, first poll | second | 2000 CSRs, first poll | second |\n"
    "| --- | ---: | ---: | ---: | ---: |\n"
)


def polls(scm: FakeScm, number: int) -> Iterator[Reading]:
    """That many polls of *scm*, one after the other, each knowing what the ones before it found out."""
    knowledge = Knowledge()
    for _ in range(number):
        reading = read(scm, Limits(), knowledge)
        knowledge = reading.knowledge
        yield reading


def cell(reading: Reading) -> str:
    """The requests of a poll, and how many CSRs it lacked."""
    inventory = reading.inventory
    return f"{inventory.requests}, {inventory.missing} missing" if inventory.missing else f"{inventory.requests}"


def size_row(size: int) -> str:
    cells = [str(size), str(-(-size // 50)), *map(cell, polls(FakeScm(plausible_csrs(size)), POLLS))]
    return f"| {' | '.join(cells)} |\n"


def random_row(size: int) -> str:
    """For names that end in six random digits, like ``pay-renewal-82c0f1``."""
    source = random.Random(size)  # noqa: S311 - repeatable test data, nothing secret
    csrs = [
        replace(csr, name=f"{source.choice(TEAMS)}-renewal-{source.getrandbits(24):06x}")
        for csr in plausible_csrs(size)
    ]
    return f"| {size} | {-(-size // 50)} | {' | '.join(map(cell, polls(FakeScm(csrs), POLLS)))} |\n"


def meaning_row(meaning: str) -> str:
    accounts = (FakeScm(plausible_csrs(size), name_meaning=meaning) for size in (400, 2000))
    cells = [meaning, *(cell(reading) for scm in accounts for reading in polls(scm, 2))]
    return f"| {' | '.join(cells)} |\n"


def constants() -> Iterator[str]:
    """What each constant of the planner costs at other values, over twelve accounts of 300 to 1200 CSRs."""
    for name, values in (("TOO_LARGE", (0, 1, 2, 3, 4, 6)), ("RARER", (0.05, 0.1, 0.2, 0.4, 1.0))):
        chosen = getattr(plan, name)
        for value in values:
            setattr(plan, name, value)
            accounts = [FakeScm(plausible_csrs(size, seed)) for size in (300, 600, 900, 1200) for seed in (1, 2, 3)]
            inventories = [reading.inventory for scm in accounts for reading in polls(scm, 2)]
            requests, missing = (sum(numbers) for numbers in zip(*map(cost, inventories), strict=True))
            yield f"{name} = {value}: {requests} requests, {missing} missing\n"
        setattr(plan, name, chosen)


def cost(inventory: Inventory) -> tuple[int, int]:
    return inventory.requests, inventory.missing or 0


def main() -> None:
    if "--constants" in sys.argv:
        sys.stdout.writelines(constants())
        return
    sizes = f"{BY_SIZE}{''.join(map(size_row, SIZES))}\nNames that end in random digits, like `pay-renewal-82c0f1`:\n\n"
    tables = (
        f"{sizes}{BY_SIZE}{''.join(map(random_row, RANDOM_SIZES))}\n{BY_MEANING}{''.join(map(meaning_row, MEANINGS))}"
    )
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}{tables}{END}{after}", encoding="utf-8")
    sys.stdout.write(tables)


if __name__ == "__main__":
    main()
