"""Services that change while they are read: ``python -m tests.listing.adversary REGIME... --polls 20000``.

Every regime is one way in which a service may behave. Each world is polled several times, and its list may change
before any request. A poll that claims completeness is *wrong* when the list never held what it published.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from csr_exporter.inventory import Csr, OffsetMode, Page, Query
from csr_exporter.listing import Knowledge, Limits, Reading, read
from tests.fakes import NOW, a_csr
from tests.listing.fake_scm import FakeScm, View
from tests.listing.plausible import ALGORITHMS, plausible_csrs

MODES = (OffsetMode.RECORD, OffsetMode.RECORD, OffsetMode.PAGE, OffsetMode.PAGE1)
SIZES = (1, 40, 50, 51, 60, 99, 100, 101, 120, 149, 150, 151, 170, 200, 260, 320)
POLLS = 4


@dataclass
class World:
    """A service, its clock, and how restless its list is: the chance of a change before any one request."""

    source: random.Random
    scm: FakeScm
    limits: Limits
    restless: float = 0.0
    knowledge: Knowledge = field(default_factory=Knowledge)
    clock: float = NOW
    born: int = 0
    doomed: list[str] = field(default_factory=list)

    def poll(self) -> Reading:
        """One poll, during which the list may change before every request."""
        self.scm.start_anew()
        reading = read(self._page, self.limits, self.knowledge)
        self.knowledge = reading.knowledge
        return reading

    def _page(self, query: Query) -> Page:
        if self.source.random() < self.restless:
            self.scm.changes[len(self.scm.log) + 1] = self.change
        return self.scm(query)

    def change(self, rows: list[Csr]) -> None:
        """One CSR comes, goes or is renamed, or one goes as another comes; what comes may be gone soon."""
        kind = self.source.choice(("create", "delete", "replace", "ghost", "ghost", "rename"))
        if self.doomed:
            gone = self.doomed.pop()
            rows[:] = [csr for csr in rows if csr.id != gone]
            return
        if kind in {"delete", "replace"} and rows:
            del rows[self.source.randrange(len(rows))]
        if kind in {"create", "replace", "ghost"}:
            self.create(rows)
        if kind == "ghost":
            self.doomed.append(rows[-1].id)
        if kind == "rename" and rows:
            index = self.source.randrange(len(rows))
            rows[index] = replace(rows[index], name=self.name())

    def create(self, rows: list[Csr]) -> None:
        self.born += 1
        self.clock += self.source.choice((1.0, 60.0))
        algorithm = self.source.choice(list(ALGORITHMS))
        identity = f"{self.source.getrandbits(48):012x}"
        rows.append(a_csr(identity, name=self.name(), algorithm=algorithm, created_at=self.clock))

    def name(self) -> str:
        return plausible_csrs(1, self.source.randrange(1_000_000))[0].name


def newest_first(rows: Sequence[Csr]) -> list[Csr]:
    return sorted(rows, key=lambda csr: -(csr.created_at or 0))


def oldest_first(rows: Sequence[Csr]) -> list[Csr]:
    return sorted(rows, key=lambda csr: csr.created_at or 0)


def by_name(rows: Sequence[Csr]) -> list[Csr]:
    return sorted(rows, key=lambda csr: (csr.name, csr.id))


def by_id(rows: Sequence[Csr]) -> list[Csr]:
    return sorted(rows, key=lambda csr: csr.id)


ORDERS: Mapping[str, View] = {"newest": newest_first, "oldest": oldest_first, "name": by_name, "id": by_id}


def by_month(source: random.Random) -> View:
    """Newest first by the month, in another order within it at every request."""

    def order(rows: Sequence[Csr]) -> list[Csr]:
        mixed = list(rows)
        source.shuffle(mixed)
        return newest_first(mixed)

    return order


def a_world(seed: int, order: str = "newest", sizes: Sequence[int] = SIZES, **service: object) -> World:
    """A world of *sizes* CSRs with random ids, in that order."""
    source = random.Random(seed)  # noqa: S311 - repeatable test data, nothing secret
    rows = [
        replace(csr, id=f"{source.getrandbits(48):012x}")
        for csr in plausible_csrs(source.choice(sizes), source.randrange(1000))
    ]
    rows.sort(key=lambda csr: csr.created_at or 0)
    mode = source.choice(MODES)
    bound = source.choice((100, 100, 100, None, 30, 0) if mode is OffsetMode.RECORD else (2, 100, None, 0))
    usual: dict[str, object] = {"offset_mode": mode, "max_offset": bound, "order": ORDERS[order], **service}
    scm = FakeScm(rows, **usual)  # type: ignore[arg-type] # fields of any type, by name
    return World(source, scm, Limits(max_offset=scm.max_offset))


def ties(seed: int) -> World:
    world = a_world(seed)
    coarse = [replace(csr, created_at=(csr.created_at or 0) // 2_592_000 * 2_592_000) for csr in world.scm.csrs]
    world.scm.csrs[:] = coarse
    world.scm.order = by_month(world.source)
    return world


def unfiltered(_query: Query, rows: Sequence[Csr], _matching: int, _shown: int) -> int:
    return len(rows)


def one_too_high(query: Query, _rows: Sequence[Csr], matching: int, _shown: int) -> int:
    return matching + (query.name is not None or query.algorithm is not None)


def of_the_page(_query: Query, _rows: Sequence[Csr], _matching: int, shown: int) -> int:
    return shown


def nothing(_query: Query, _rows: Sequence[Csr], _matching: int, _shown: int) -> None:
    return None


def ignoring_algorithms(world: World) -> Callable[[Query, Sequence[Csr], int, int], int]:
    def count(query: Query, rows: Sequence[Csr], _matching: int, _shown: int) -> int:
        return sum(query.name is None or query.name in csr.name for csr in rows)

    world.scm.name_meaning, world.scm.case_sensitive = "substring", True
    return count


def totals_without_algorithms(seed: int) -> World:
    world = a_world(seed)
    world.scm.count = ignoring_algorithms(world)
    return world


def lagging(seed: int) -> World:
    """Totals of a whole list come three requests late."""
    world, before = a_world(seed), []

    def count(query: Query, rows: Sequence[Csr], matching: int, _shown: int) -> int:
        before.append(len(rows))
        del before[:-4]
        return before[0] if query.name is None and query.algorithm is None else matching

    world.scm.count = count
    return world


def replicas(seed: int) -> World:
    """One of two replicas answers, and each lacks one CSR, or one of them does."""
    world = a_world(seed)
    source = world.source
    rows = world.scm.csrs
    lacking = [source.choice(rows).id, source.choice([csr.id for csr in rows] + [""] * len(rows))]

    def view(rows: Sequence[Csr]) -> list[Csr]:
        lacks = source.choice(lacking)
        return [csr for csr in rows if csr.id != lacks]

    world.scm.view = view
    return world


def accents(seed: int) -> World:
    world = a_world(seed, name_meaning="accents")
    accented = str.maketrans("eao", "éàö")
    world.scm.csrs[:] = [
        replace(csr, name=csr.name.translate(accented)) if world.source.random() < 0.2 else csr
        for csr in world.scm.csrs
    ]
    return world


def random_names(seed: int) -> World:
    world = a_world(seed)
    world.scm.csrs[:] = [replace(csr, name=f"{csr.name.split('-')[0]}-renewal-{csr.id[:6]}") for csr in world.scm.csrs]
    return world


def tight(seed: int) -> World:
    """A budget that no poll can finish with."""
    world = a_world(seed, sizes=(260, 320, 400, 600))
    world.limits = replace(world.limits, max_requests=world.source.randrange(8, 30))
    return world


def orderly(order: str, **service: object) -> Callable[[int], World]:
    return lambda seed: a_world(seed, order, SIZES, **service)


REGIMES: Mapping[str, Callable[[int], World]] = {
    "newest": orderly("newest"),
    "oldest": orderly("oldest"),
    "name": orderly("name"),
    "id": orderly("id"),
    "ties": ties,
    "prefix": orderly("newest", name_meaning="prefix"),
    "like": orderly("newest", name_meaning="like", case_sensitive=False),
    "exact": orderly("newest", name_meaning="exact"),
    "ignored names": orderly("oldest", name_meaning="ignored"),
    "words": orderly("newest", name_meaning="words"),
    "accents": accents,
    "random names": random_names,
    "tight": tight,
    "records from 1": orderly("newest", offset_mode=OffsetMode.RECORD, first_record=1, max_offset=100),
    "offsets ignored": orderly("newest", offset_mode=OffsetMode.IGNORED),
    "totals unfiltered": orderly("newest", count=unfiltered),
    "totals without algorithms": totals_without_algorithms,
    "one too high": orderly("newest", count=one_too_high),
    "totals of the page": orderly("newest", count=of_the_page),
    "no totals": orderly("newest", count=nothing),
    "algorithm ignored": orderly("newest", algorithm_ignored=True),
    "short pages": orderly("newest", most_rows=20),
    "lagging": lagging,
    "replicas": replicas,
}
BREAKS_ASSUMPTIONS = ("lagging", "replicas")


def is_wrong(world: World, reading: Reading) -> bool:
    """Whether completeness is claimed of what the list never was while it was read."""
    published = frozenset(csr.id for csr in reading.inventory.csrs)
    inventory = reading.inventory
    return inventory.complete and (published not in world.scm.moments or inventory.reported != len(published))


def figures(regime: str, polls: int, restless: Sequence[float], first_seed: int = 0) -> Counter[str]:
    """What came of *polls* polls, in worlds of POLLS polls each."""
    result: Counter[str] = Counter()
    for seed in range(first_seed, first_seed + -(-polls // POLLS)):
        world = REGIMES[regime](seed)
        world.restless = world.source.choice(restless)
        for number in range(POLLS):
            if world.restless and world.source.random() < 0.5:
                world.change(world.scm.csrs)
            reading = world.poll()
            inventory = reading.inventory
            result["polls"] += 1
            result["requests"] += inventory.requests
            result["complete"] += inventory.complete
            result["torn"] += reading.torn_walks
            result["all read, not complete"] += inventory.missing == 0 and not inventory.complete
            result["unread"] += bool(inventory.missing)
            if is_wrong(world, reading):
                result["WRONG"] += 1
                result[f"wrong in seed {seed} poll {number}"] += 1
            if not world.restless and not inventory.complete:
                result[f"quiet incomplete, poll {number + 1}"] += 1
                result[f"  seed {seed}"] += 1
    return result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("regimes", nargs="*", default=list(REGIMES))
    parser.add_argument("--polls", type=int, default=20_000)
    parser.add_argument("--restless", type=float, nargs="+", default=[0.02, 0.1, 0.3])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=3)
    options = parser.parse_args()
    for regime in options.regimes:
        found = figures(regime, options.polls, options.restless, options.seed)
        seeds = [key for key in found if "seed" in key]
        shown = [f"{key}: {value}" for key, value in found.items() if "seed" not in key] + seeds[: options.show]
        sys.stdout.write(f"{regime}: {'; '.join(shown)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
