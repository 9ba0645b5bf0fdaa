"""Realistic CSR records, the same for the same seed.

Shaped as the example of "Querying the CSR List": with `update_time`, without `csr`. All domain names are reserved for
documentation.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from csr_exporter.simulator import sample_data

Record = dict[str, Any]

YEAR_SECONDS = 365.25 * 86_400
MAX_NAME = 63
MAX_SANS = 4096
MANY_SANS = 150
_ALGORITHMS = {
    "RSA_2048": 62,
    "EC_P256": 14,
    "RSA_4096": 8,
    "RSA_3072": 5,
    "EC_P384": 4,
    "SM2": 4,
    "RSA_1024": 3,  # not documented, but a CSR can be uploaded
}
_COMPANY_KEYS = ("company_country", "company_province", "company_city", "company_name")
_NO_COMPANY = ("", "", "", "")


class Generator:
    """An endless source of records.

    The first seven have the seven algorithms, one each; further ones have them by weight.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"csr {seed}")  # noqa: S311 - repeatable test data, nothing secret
        self._made = 0
        self._names: list[str] = []

    def history(self, count: int, now: float) -> list[Record]:
        """*count* records created in the three years before *now*, newest first."""
        made = [self.record(now - 3 * YEAR_SECONDS * self._random.random(), now) for _ in range(count)]
        return sorted(made, key=lambda record: record["create_time"], reverse=True)

    def record(self, created_at: float, now: float) -> Record:
        """One record created at *created_at*; one in five was renamed between then and *now*."""
        domain = self._domain()
        usage = self._random.choice(("PERSONAL", "ENTERPRISE", "ENTERPRISE"))
        company = self._random.choice(sample_data.COMPANIES) if usage == "ENTERPRISE" else _NO_COMPANY
        renamed_at = created_at + (now - created_at) * self._random.random()
        return {
            "id": f"{self._random.getrandbits(128):032x}",
            "name": self.name(created_at),
            "domain_name": domain,
            "sans": self._sans(domain),
            "private_key_algo": self._algorithm(),
            "usage": usage,
            **dict(zip(_COMPANY_KEYS, company, strict=True)),
            "create_time": round(created_at * 1000),
            "update_time": round((renamed_at if self._chance(0.2) else created_at) * 1000),
        }

    def name(self, created_at: float) -> str:
        """3 to 63 characters; one in twenty was used before, the others go with the date."""
        if self._names and self._chance(0.05):
            return self._random.choice(self._names)
        month = datetime.fromtimestamp(created_at, UTC)
        name = self._weighted(sample_data.NAME_PATTERNS).format(
            team=self._random.choice(sample_data.TEAMS),
            part=self._random.choice(sample_data.PARTS),
            env=self._random.choice(sample_data.ENVIRONMENTS),
            region=self._random.choice(sample_data.REGIONS),
            chinese=self._random.choice(sample_data.CHINESE_TEAMS),
            number=self._random.randrange(1, 100),
            hex=f"{self._random.getrandbits(24):06x}",
            year=month.year,
            month=f"{month:%Y%m}",
        )
        self._names.append(name[:MAX_NAME])
        return name[:MAX_NAME]

    def choice(self, count: int) -> int:
        """Any number from 0 to *count* - 1."""
        return self._random.randrange(count)

    def _domain(self) -> str:
        return self._weighted(sample_data.DOMAIN_PATTERNS).format(
            team=self._random.choice(sample_data.TEAMS),
            part=self._random.choice(sample_data.PARTS),
            env=self._random.choice(sample_data.ENVIRONMENTS),
            parent=self._random.choice(sample_data.PARENT_DOMAINS),
            idn=self._random.choice(sample_data.INTERNATIONAL_DOMAINS),
            punycode=self._random.choice(sample_data.PUNYCODE_DOMAINS),
        )

    def _sans(self, domain: str) -> str:
        """Additional names; none for half of the records, very many for a few.

        The console's form separates them by commas, the sibling API by semicolons, and the reference does not say.
        """
        if self._chance(0.5):
            return ""
        count = MANY_SANS if self._chance(0.02) else self._random.randrange(1, 6)
        names = [self._domain() for _ in range(count)]
        if self._chance(0.3):
            names.insert(0, domain)
        while len(";".join(names)) > MAX_SANS:
            names.pop()
        return ",;"[len(names) % 2].join(names)

    def _algorithm(self) -> str:
        self._made += 1
        if self._made <= len(_ALGORITHMS):
            return list(_ALGORITHMS)[self._made - 1]
        return self._weighted(_ALGORITHMS)

    def _weighted(self, weights: Mapping[str, int]) -> str:
        return self._random.choices(list(weights), list(weights.values()))[0]

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability
