"""What goes wrong in the middle of a poll, over real HTTP."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from csr_exporter.cloud.auth import KEY_PAUSE, PASSWORD_PAUSE, Leases
from csr_exporter.inventory import Page, Reason, Service
from csr_exporter.polling.accounts import poller_for
from csr_exporter.polling.poller import Poller
from csr_exporter.simulator import Break, ExpireTokens, Fault, SimulatedAccount, Simulator, Status, Throttle
from tests.fakes import a_config, aksk, password

SIZE = 1000
PAGES = SIZE // 50


@pytest.fixture
def account() -> SimulatedAccount:
    return SimulatedAccount("production", csrs=SIZE, offset_mode="page", max_offset=100)


class Cloud:
    """A poller of the account that `simulator` has; `amid` strikes once the first pages of the next poll are there."""

    def __init__(self, simulator: Simulator, credentials: dict[str, Any], **settings: Any) -> None:  # noqa: ANN401 - settings of any type
        self.simulator = simulator
        self._amid: Callable[[], None] | None = None
        config = a_config(simulator.url, "production", credentials, **{"max_requests_per_second": 1000, **settings})
        self.poller: Poller = poller_for(config, config.accounts[0], Leases(), watch=self._watch)

    def _watch(self, _page: Page) -> None:
        amid, self._amid = self._amid, None
        if amid:
            amid()

    def poll(self, amid: Callable[[], None] | None = None) -> Counter[tuple[str, int | None]]:
        """Poll once; the replies to it, by service and status."""
        before, self._amid = len(self.simulator.requests), amid
        self.poller.poll()
        return Counter((request.service, request.status) for request in self.simulator.requests[before:])

    def strike(self, *faults: Fault) -> Callable[[], None]:
        def inject() -> None:
            for fault in faults:
                self.simulator.inject(None, fault)

        return inject

    @property
    def reason(self) -> Reason | None:
        return self.poller.status.error.reason if self.poller.status.error else None


@pytest.fixture
def cloud(simulator: Simulator, account: SimulatedAccount) -> Cloud:
    """An account whose list one poll has read."""
    cloud = Cloud(simulator, aksk(account))
    cloud.poll()
    return cloud


def test_the_pages_are_all_that_is_asked_for_and_all_are_counted(cloud: Cloud) -> None:
    replies = cloud.poll()

    status = cloud.poller.status
    assert status.snapshot is not None
    assert status.snapshot.inventory.complete
    assert replies == {("scm", 200): PAGES}
    assert status.snapshot.inventory.requests == status.recent[-1].requests == PAGES
    assert status.traffic.requests[Service.SCM, "200"] == len(cloud.simulator.requests)


def test_a_key_that_is_refused_amid_a_poll_is_not_sent_until_it_is_locked(cloud: Cloud) -> None:
    replies = cloud.poll(cloud.strike(Fault(Status(401))))

    assert cloud.reason is Reason.UNAUTHORIZED
    assert cloud.poller.status.error is not None
    assert cloud.poller.status.error.pause == KEY_PAUSE
    assert replies["scm", 401] == 1


def test_a_token_that_ends_amid_a_poll_is_renewed_once(simulator: Simulator, account: SimulatedAccount) -> None:
    cloud = Cloud(simulator, password(account, simulator.url))
    cloud.poll()

    replies = cloud.poll(cloud.strike(Fault(ExpireTokens())))

    assert cloud.reason is None
    assert replies["iam", 201] == 1
    assert replies["scm", 200] == PAGES
    assert replies["scm", 401] == 1


def test_a_renewed_token_that_is_refused_is_sent_once(simulator: Simulator, account: SimulatedAccount) -> None:
    cloud = Cloud(simulator, password(account, simulator.url))
    cloud.poll()

    replies = cloud.poll(cloud.strike(Fault(Status(401), service="scm")))

    assert cloud.reason is Reason.UNAUTHORIZED
    assert replies["iam", 201] == 1
    assert replies["scm", 401] == 2


def test_a_password_that_is_refused_amid_a_poll_is_sent_once(simulator: Simulator, account: SimulatedAccount) -> None:
    cloud = Cloud(simulator, password(account, simulator.url))
    cloud.poll()

    replies = cloud.poll(cloud.strike(Fault(ExpireTokens()), Fault(Status(401), service="iam")))

    assert cloud.reason is Reason.UNAUTHORIZED
    assert cloud.poller.status.error is not None
    assert cloud.poller.status.error.pause == PASSWORD_PAUSE
    assert replies["iam", 401] == 1


def test_a_rate_below_ours_is_found(cloud: Cloud) -> None:
    cloud.simulator.inject(None, Fault(Throttle(per_second=10)))

    cloud.poll()

    assert cloud.reason is None


@pytest.mark.parametrize("fault", [Break("close"), Break("reset", in_body=True), Status(503)], ids=str)
def test_faults_that_pass_are_outlasted(cloud: Cloud, fault: Break | Status) -> None:
    cloud.poll(cloud.strike(Fault(fault, requests=2)))

    status = cloud.poller.status
    assert cloud.reason is None
    assert status.snapshot is not None
    assert status.snapshot.inventory.complete
    assert sum(status.traffic.requests.values()) == len(cloud.simulator.requests)


def test_a_service_that_hangs_holds_a_poll_until_its_time_is_over(
    simulator: Simulator, account: SimulatedAccount
) -> None:
    cloud = Cloud(simulator, aksk(account), poll_timeout="2s")
    started = time.monotonic()

    cloud.poll(cloud.strike(Fault(Break("hang"))))

    assert cloud.reason is Reason.DEADLINE
    assert 1.5 < time.monotonic() - started < 10
