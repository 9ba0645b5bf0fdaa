"""The simulated cloud, without the sockets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from csr_exporter.simulator import scm
from csr_exporter.simulator.account import SimulatedAccount
from csr_exporter.simulator.authentication import CallAuthenticator
from csr_exporter.simulator.faults import ExpireTokens, Fault, Faults
from csr_exporter.simulator.federation import Federation
from csr_exporter.simulator.iam import Iam
from csr_exporter.simulator.keys import KeyRing, Tokens
from csr_exporter.simulator.messages import ApiReply, Call, SeenRequest
from csr_exporter.simulator.metadata import Metadata
from csr_exporter.simulator.store import CsrStore


class Cloud:
    """All accounts with their CSRs and credentials, the faults in effect, and the requests so far."""

    def __init__(self, accounts: Iterable[SimulatedAccount], clock: Callable[[], float]) -> None:
        everyone = tuple(accounts)
        self.clock = clock
        self.accounts: Mapping[str, SimulatedAccount] = MappingProxyType({a.name: a for a in everyone})
        self.stores: Mapping[str, CsrStore] = MappingProxyType({a.name: CsrStore(a, clock()) for a in everyone})
        self.tokens = Tokens(everyone, clock())
        keys = KeyRing(everyone)
        self.authenticator = CallAuthenticator(keys, self.tokens)
        self.iam = Iam(everyone, self.tokens)
        self.federation = Federation(everyone, self.tokens, keys)
        self.metadata = Metadata(self.accounts, keys)
        self.faults = Faults(clock)
        self._seen: list[SeenRequest] = []
        self._news = threading.Condition()

    def list_csrs(self, call: Call) -> ApiReply:
        """Authenticate, then read one page. Raises `RefusedError`."""
        name = self.authenticator.authenticate(call)
        return scm.list_csrs(call, self.accounts[name], self.stores[name].at(call.now))

    def inject(self, account: str | None, fault: Fault) -> None:
        """Let *fault* strike *account*, or any request. Raises `LookupError` for an account that is not there."""
        self._check(account)
        if isinstance(fault.effect, ExpireTokens):
            self.tokens.expire(account, self.clock())
        else:
            self.faults.inject(account, fault)

    def replace_faults(self, injections: Iterable[tuple[str | None, Fault]]) -> None:
        """End all faults and inject these. Raises `LookupError` for an account that is not there."""
        everything = tuple(injections)
        for account, _ in everything:
            self._check(account)
        self.faults.clear(None)
        for account, fault in everything:
            self.inject(account, fault)

    def _check(self, account: str | None) -> None:
        if account is not None and account not in self.accounts:
            raise LookupError(f"no account {account}")

    def saw(self, call: Call, status: int | None) -> None:
        """Record a request and the status of its reply."""
        query = MappingProxyType(dict(call.parameters))
        with self._news:
            self._seen.append(SeenRequest(call.service, call.account, call.method, call.path, status, query, call.now))
            self._news.notify_all()

    def seen(self, at_least: int = 0, seconds: float = 0) -> tuple[SeenRequest, ...]:
        """All requests so far; waits up to *seconds* until there are *at_least* so many, else `TimeoutError`."""
        with self._news:
            if not self._news.wait_for(lambda: len(self._seen) >= at_least, seconds):
                raise TimeoutError(f"{len(self._seen)} requests, not {at_least}, within {seconds} seconds")
            return tuple(self._seen)
