"""Realistic accounts in every state, for the page to show."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from csr_exporter.inventory import Change, ChangeKind, Csr, Inventory, OffsetMode, Reason, SourceError
from csr_exporter.status import RECENT_POLLS, Account, Churn, Poll, Status, Traffic
from tests.fakes import DAY

HOSTS = ("api", "checkout", "login", "mail", "metrics", "portal", "shop", "status", "vpn", "www")
ALGORITHMS = {"RSA_2048": 50, "EC_P256": 30, "RSA_4096": 12, "EC_P384": 6, "SM2": 3}


def csrs(number: int, seed: int, now: float) -> tuple[Csr, ...]:
    """*number* CSRs, most of them young, the same for the same *seed*."""
    chance = random.Random(seed)  # noqa: S311 - nothing to be guessed
    algorithms = chance.choices(list(ALGORITHMS), list(ALGORITHMS.values()), k=number)
    return tuple(_csr(position, algorithm, chance, now) for position, algorithm in enumerate(algorithms))


def _csr(position: int, algorithm: str, chance: random.Random, now: float) -> Csr:
    host, age = chance.choice(HOSTS), min(1900.0, chance.expovariate(1 / 260))
    identity = f"{chance.getrandbits(64):016x}"
    return Csr(
        identity, f"{host}-{position:03}", f"{host}.example.com", algorithm=algorithm, created_at=now - age * DAY
    )


def account(name: str, number: int, now: float, *, seed: int = 1, unread: int = 0, polled_ago: float = 95.0) -> Status:
    """An account of *number* CSRs after many polls, the last of which missed *unread* of them."""
    held = csrs(number, seed, now)
    listed = held[: number - unread]
    inventory = Inventory(
        listed,
        reported=number,
        by_algorithm=Counter(csr.algorithm for csr in held),
        complete=not unread,
        offset_mode=OffsetMode.IGNORED if unread else OffsetMode.RECORD,
        requests=number // 50 + 1,
    )
    polls = recent(now - polled_ago, seed, requests=number // 50 + 1)
    before = replace(Status(Account(name)), recent=polls[:-1], traffic=Traffic(clock_skew=0.3))
    status = before.after_success(inventory, now - polled_ago, polls[-1].seconds, requests=polls[-1].requests)
    return replace(status, next_poll=now - polled_ago + 300, churn=Churn(number // 11, number // 19, number // 90))


def recent(last: float, seed: int, requests: int) -> tuple[Poll, ...]:
    """Polls every five minutes up to *last*, a few of them slow."""
    chance = random.Random(seed)  # noqa: S311 - nothing to be guessed
    return tuple(
        Poll(last - 300 * ago, round(chance.lognormvariate(-1.1, 0.45), 3), requests)
        for ago in reversed(range(RECENT_POLLS))
    )


def failing(status: Status, error: SourceError, now: float, times: int = 3) -> Status:
    """*status* after its last *times* polls failed, the latest a moment ago."""
    polls = status.recent
    for ago in reversed(range(times)):
        status = status.after_failure(error, now - 40 - 300 * ago, 0.21, requests=1)
    failed = status.recent[-times:]
    waiting = now - 40 + error.pause if error.pause else None
    return replace(status, recent=(*polls, *failed)[-RECENT_POLLS:], waiting_until=waiting, next_poll=now + 260)


UNAUTHORIZED = SourceError(
    Reason.UNAUTHORIZED,
    "scm.ap-southeast-1.myhuaweicloud.com: HTTP 401: APIG.0301: Incorrect IAM authentication",
    pause=300,
)
THROTTLED = SourceError(Reason.THROTTLED, "scm.cn-north-4.myhuaweicloud.com: HTTP 429")


def fine(now: float) -> Sequence[Status]:
    """Accounts without any trouble."""
    return [
        account("production", 140, now, seed=1),
        account("staging", 230, now, seed=2, polled_ago=40),
        account("payments", 75, now, seed=3, polled_ago=210),
        account("sandbox", 18, now, seed=4, polled_ago=120),
    ]


def mixed(now: float) -> Sequence[Status]:
    """Accounts in every state."""
    return [
        account("production", 1240, now, seed=1),
        account("staging", 230, now, seed=2, unread=80, polled_ago=40),
        failing(account("payments", 75, now, seed=3, polled_ago=940), UNAUTHORIZED, now),
        failing(account("archive", 312, now, seed=5, polled_ago=9000), THROTTLED, now, times=24),
        replace(account("sandbox", 18, now, seed=4, polled_ago=120), account=Account("sandbox", limit=15)),
        Status(Account("newcomer")),
    ]


def many(now: float, number: int = 500) -> Sequence[Status]:
    """*number* accounts, one in fifty in trouble."""
    each = [account(f"account-{place:04}", 20 + place % 60, now, seed=place) for place in range(number)]
    return [failing(status, THROTTLED, now) if place % 50 == 7 else status for place, status in enumerate(each)]


def refused(now: float, number: int = 500) -> Sequence[Status]:
    """*number* accounts that are all refused since their keys were revoked."""
    return [failing(account(f"account-{place:04}", 20, now, seed=place), UNAUTHORIZED, now) for place in range(number)]


def changes(statuses: Sequence[Status], now: float, number: int = 140) -> tuple[Change, ...]:
    """*number* changes of the CSRs in *statuses*, the latest last and a few of them at a time."""
    chance = random.Random(7)  # noqa: S311 - nothing to be guessed
    held = [(each.account.name, csr) for each in statuses if each.snapshot for csr in each.snapshot.inventory.csrs]
    kinds = chance.choices(list(ChangeKind), [6, 3, 1], k=number)
    found, seen_at = [], now - 95.0
    for kind in kinds:
        name, csr = chance.choice(held)
        previous = f"old-{csr.name}" if kind is ChangeKind.RENAMED else ""
        named = (csr.id, csr.name, previous, csr.domain, csr.algorithm, csr.created_at)
        found.append(Change(seen_at, seen_at - 300, name, kind, *named))
        seen_at -= chance.choice((0, 0, 300, 1500, 28_800))
    return tuple(reversed(found))
