"""The whole simulated cloud, without its sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from csr_exporter.simulator import scm
from csr_exporter.simulator.account import SimulatedAccount
from csr_exporter.simulator.exchange import Call, Reply, SeenRequest
from csr_exporter.simulator.gateway import Gateway
from csr_exporter.simulator.holdings import Holdings
from csr_exporter.simulator.iam import Iam
from csr_exporter.simulator.keys import KeyRing, Tokens


class Cloud:
    """All accounts, what they hold, who may call, and what was asked so far."""

    def __init__(self, accounts: Iterable[SimulatedAccount], clock: Callable[[], float]) -> None:
        everyone = tuple(accounts)
        self.clock = clock
        self.accounts: Mapping[str, SimulatedAccount] = MappingProxyType({a.name: a for a in everyone})
        self.holdings: Mapping[str, Holdings] = MappingProxyType({a.name: Holdings(a, clock()) for a in everyone})
        self.tokens = Tokens(everyone, clock())
        self.gateway = Gateway(KeyRing(everyone), self.tokens)
        self.iam = Iam(everyone, self.tokens)
        self.seen: list[SeenRequest] = []

    def list_csrs(self, call: Call) -> Reply:
        """Authenticate, then read one page. Raises `RefusedError`."""
        name = self.gateway.authenticate(call)
        return scm.list_csrs(call, self.accounts[name], self.holdings[name].at(call.now))

    def saw(self, call: Call, account: str, status: int | None) -> None:
        """Note a request and what became of it."""
        query = MappingProxyType(dict(call.parameters))
        self.seen.append(SeenRequest(call.service, account, call.method, call.path, status, query, call.now))
