"""Builders of values, which fill in everything a test does not mention."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from csr_exporter.config import Config
from csr_exporter.inventory import Change, ChangeQuery, Csr, Exchange, Inventory, Reason, Service, Snapshot
from csr_exporter.metrics import Exposed
from csr_exporter.simulator import SimulatedAccount
from csr_exporter.status import Account, Reloads, Status

NOW = 1_800_000_000.0
DAY = 86_400.0

EXAMPLE = {
    "id": "48e392628b0f47769e47d91acc7654a5",
    "name": "xxxx",
    "domain_name": "xxx.com",
    "sans": "",
    "private_key_algo": "RSA_2048",
    "usage": "ENTERPRISE",
    "company_country": "CN",
    "company_province": "Beijing",
    "company_city": "Beijing",
    "company_name": "company",
    "create_time": 1735804566545,
    "update_time": 1735804566545,
}
"""The record of the reference page."""


def a_csr(identity: str = "48e3", **changes: Any) -> Csr:  # noqa: ANN401 - as `dataclasses.replace`
    """A CSR of a year ago, with *changes*."""
    usual = Csr(
        id=identity,
        name=f"shop-{identity}",
        domain=f"{identity}.shop.example",
        algorithm="EC_P256",
        usage="ENTERPRISE",
        created_at=NOW - 365 * DAY,
        updated_at=NOW - 365 * DAY,
    )
    return replace(usual, **changes)


def an_inventory(*csrs: Csr, **changes: Any) -> Inventory:  # noqa: ANN401 - as `dataclasses.replace`
    """A complete inventory of *csrs*, with *changes*."""
    counts = Counter(csr.algorithm for csr in csrs)
    return replace(Inventory(csrs, reported=len(csrs), by_algorithm=counts, complete=True), **changes)


def a_snapshot(*csrs: Csr, **changes: Any) -> Snapshot:  # noqa: ANN401 - as `dataclasses.replace`
    """A snapshot of `an_inventory`."""
    return Snapshot(an_inventory(*csrs, **changes))


def a_status(*csrs: Csr, name: str = "production", **changes: Any) -> Status:  # noqa: ANN401 - as `dataclasses.replace`
    """The status of an account after one good poll that took half a second."""
    return replace(Status(Account(name)).after_success(an_inventory(*csrs), NOW, seconds=0.5), **changes)


class FakeJournal:
    """A journal of fixed changes, the latest last; queries only limit and page them."""

    def __init__(self, *changes: Change, failures: int | None = None, failing: bool = False) -> None:
        self._changes = list(enumerate(changes, 1))
        self.failures = failures
        self.failing = failing

    def changes(self, query: ChangeQuery) -> list[tuple[int, Change]]:
        earlier = [each for each in self._changes if query.before is None or each[0] < query.before]
        return earlier[::-1][: query.limit]


class FakeExporter:
    """An exporter with fixed statuses."""

    exposed: Exposed = Exposed()
    configuration = "poll_interval: 5m\n"

    def __init__(
        self, *statuses: Status, alive: bool = True, reloaded: bool = True, journal: FakeJournal | None = None
    ) -> None:
        self.journal = journal or FakeJournal()
        self.reloads = Reloads("abc", NOW, successful=reloaded)
        self.statuses = statuses or (a_status(a_csr()), a_status(name="staging"))
        self.alive = alive

    def reload(self) -> None:
        pass


class Wire:
    """An observer that records what it is told about requests."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.retries: list[tuple[Service, Reason]] = []

    def exchanged(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def retried(self, service: Service, reason: Reason) -> None:
        self.retries.append((service, reason))


def aksk(account: SimulatedAccount) -> dict[str, Any]:
    """Credentials of a simulated *account*, as a configuration has them."""
    return {"kind": "aksk", "access_key": account.access_key, "secret_key": account.secret_key}


def password(account: SimulatedAccount, url: str) -> dict[str, Any]:
    """Credentials of a simulated *account*, as a configuration has them; *url* is that of IAM."""
    return {
        "kind": "password",
        "user": account.user,
        "password": account.password,
        "domain": account.domain,
        "iam_endpoint": url,
    }


def token(account: SimulatedAccount) -> dict[str, Any]:
    """Credentials of a simulated *account*, as a configuration has them."""
    return {"kind": "token", "token": account.token}


def a_config(url: str, name: str, credentials: dict[str, Any], **settings: Any) -> Config:  # noqa: ANN401 - settings of any type
    """A configuration of one account at *url*."""
    account = {"name": name, "endpoint": url, "credentials": credentials}
    return Config.model_validate({"accounts": [account], **settings}, context={"directory": Path()})
