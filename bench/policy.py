"""What a policy costs: at each scrape, and after each poll that found another list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from bench import measure
from bench.table import Row, at_least
from bench.world import NOW, a_status, replies
from csr_exporter.exposition import TEXT, exposition, gzipped, joined, prepare
from csr_exporter.inventory import Snapshot
from csr_exporter.metrics import Exposed
from csr_exporter.policy import Glob, Owner, Policy, Rule, Rules, Selector, Waiver
from csr_exporter.status import Account, Status

DAY = 86_400.0
SIZES = ((1_000, 50), (1, 20_000))
"""Accounts, and CSRs of each."""

OWNERS, WAIVERS = 20, 50
WANTED = at_least(0.9)


def a_policy() -> Policy:
    """Five rules, `OWNERS` and `WAIVERS`."""

    def globs(*patterns: str) -> tuple[Glob, ...]:
        return tuple(map(Glob.of, patterns))

    return Policy(
        tuple(
            Owner(f"team-{number}", Selector(names=globs(f"team{number}-*", f"*-{number:x}?")))
            for number in range(OWNERS)
        ),
        Rules(
            max_age=398 * DAY,
            allowed_algorithms=frozenset({"RSA_2048", "RSA_3072", "EC_P256", "EC_P384", "SM2"}),
            allowed_domains=globs("*.com", "*.org", "*.net", "*.cn", "*.example", "*.test"),
            owner_required=True,
            superseded_after=30 * DAY,
        ),
        tuple(
            Waiver(f"PKI-{number}", list(Rule)[number % 5], Selector(names=globs(f"*{number:x}*")), NOW + number * DAY)
            for number in range(WAIVERS)
        ),
    )


def rows() -> Iterator[Row]:
    """Many accounts of few CSRs, and one of many."""
    with_policy, without = Exposed(policy=a_policy()), Exposed()
    for accounts, csrs in SIZES:
        size = f"{accounts} accounts of {csrs} CSRs" if accounts > 1 else f"{csrs} CSRs"
        one = a_status(replies(csrs))
        # Two of each, because lines are cached for one exposure only.
        ours, other = ([_copy(one, f"account-{number}") for number in range(accounts)] for _ in range(2))
        for how, form in (("plain", joined), ("gzip", gzipped)):
            costs = measure.cpu(_scrape(ours, with_policy, form), _scrape(other, without, form))
            yield Row(f"scrape in process, {size}, {how}, five rules, CPU", costs[0], costs[1], "no policy", WANTED)
        costs = measure.cpu(_preparation(one, with_policy), _preparation(one, without), runs=3)
        yield Row(f"rendering after a change, {csrs} CSRs, five rules, CPU", costs[0], costs[1], "no policy")


def _copy(status: Status, name: str) -> Status:
    snapshot = Snapshot(status.snapshot.inventory) if status.snapshot else None
    return replace(status, account=Account(name, stale_after=1e9), snapshot=snapshot)


def _scrape(statuses: Sequence[Status], exposed: Exposed, form: Callable[..., bytes]) -> Callable[[], bytes]:
    return lambda: form(exposition(statuses, exposed, NOW, (), TEXT))


def _preparation(status: Status, exposed: Exposed) -> Callable[[], None]:
    return lambda: prepare(_copy(status, "production"), exposed, NOW)
