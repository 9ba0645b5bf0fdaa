"""CSRs as teams name and choose them, newest first, the same for the same seed."""

from __future__ import annotations

import random

from csr_exporter.inventory import Csr
from tests.fakes import DAY, NOW, a_csr

TEAMS = (
    "shop", "pay", "search", "billing", "ledger", "mail", "vpn", "api", "mobile", "cdn",
    "video", "chat", "crm", "erp", "hr", "wiki", "git", "grafana", "kafka", "iot",
)  # fmt: skip
PARTS = ("web", "edge", "mtls", "admin", "ingress", "internal")
ENVIRONMENTS = ("prod", "staging", "test", "dev", "uat")
REGIONS = ("eu", "us", "cn", "ap", "sg")
PATTERNS = {
    "{team}-{env}-{region}-{year}": 40,
    "{team}-{part}-{env}-{region}-{month:02}": 30,
    "{team}-{part}-{env}": 20,
    "{team}-{env}-{year}{month:02}": 10,
}
ALGORITHMS = {"RSA_2048": 60, "EC_P256": 18, "RSA_4096": 10, "RSA_3072": 5, "EC_P384": 4, "SM2": 3}


def plausible_csrs(number: int, seed: int = 1) -> list[Csr]:
    """*number* CSRs created over three years."""
    source = random.Random(seed)  # noqa: S311 - repeatable test data, nothing secret
    return [_csr(source, index, number) for index in range(number)]


def _csr(source: random.Random, index: int, number: int) -> Csr:
    age = 3 * 365 * DAY * index / number
    name = _weighted(source, PATTERNS).format(
        team=source.choice(TEAMS),
        part=source.choice(PARTS),
        env=source.choice(ENVIRONMENTS),
        region=source.choice(REGIONS),
        year=2026 - int(age / (365 * DAY)),
        month=source.randrange(1, 13),
    )
    return a_csr(f"{index:05}", name=name, algorithm=_weighted(source, ALGORITHMS), created_at=NOW - age)


def _weighted(source: random.Random, weights: dict[str, int]) -> str:
    return source.choices(list(weights), list(weights.values()))[0]
