"""From the configuration of an account to the poller that knows it."""

from __future__ import annotations

import time
from collections.abc import Callable

from csr_exporter.cloud.auth import Auth, Pool, auth_for
from csr_exporter.cloud.client import CsrApi
from csr_exporter.cloud.transport import Settings, Transport
from csr_exporter.config import AccountConfig, Config
from csr_exporter.inventory import OffsetMode, Page, Query
from csr_exporter.listing import Limits
from csr_exporter.metrics import Exposed
from csr_exporter.polling.poller import Poller
from csr_exporter.status import Account


class _Source:
    """The pages of an account, and the credentials that they are read with."""

    def __init__(self, api: CsrApi, auth: Auth, watch: Callable[[Page], None]) -> None:
        self._api = api
        self._auth = auth
        self._watch = watch

    def start(self, seconds: float) -> None:
        self._api.start(seconds)

    def fingerprint(self) -> bytes:
        return self._auth.fingerprint()

    @property
    def expires_at(self) -> float | None:
        return self._auth.expires_at

    @property
    def renewals(self) -> int | None:
        return self._auth.renewals

    def page(self, query: Query) -> Page:
        page = self._api.page(query)
        self._watch(page)
        return page


def poller_for(
    config: Config,
    account: AccountConfig,
    pool: Pool,
    sleep: Callable[[float], None] = time.sleep,
    watch: Callable[[Page], None] = lambda _: None,
    now: Callable[[], float] = time.time,
) -> Poller:
    """The poller of *account*; *watch* sees each page that it reads, and *now* tells when pauses end.

    Accounts of one *pool* share tokens.
    """

    def connect(poller: Poller) -> _Source:
        settings = transport_settings(config, account)
        transport = Transport(settings, poller, sleep)
        auth = auth_for(account.credentials, transport, pool.held((account.credentials, settings)))
        return _Source(CsrApi(account.address, transport, auth), auth, watch)

    return Poller(
        account=Account(
            name=account.name,
            poll_interval=config.poll_interval,
            stale_after=config.stale_after or 0.0,
            limit=account.limit,
        ),
        limits=listing_limits(config, account),
        timeout=config.poll_timeout,
        connect=connect,
        now=now,
    )


def transport_settings(config: Config, account: AccountConfig) -> Settings:
    """How to reach the services of *account*."""
    return Settings(
        request_timeout=config.request_timeout,
        requests_per_second=config.max_requests_per_second,
        proxy=account.proxy.get_secret_value() if account.proxy else None,
        ca_file=account.ca_file,
        verify=not account.insecure_skip_verify,
    )


def listing_limits(config: Config, account: AccountConfig) -> Limits:
    """What may be asked of the CSR list of *account* in one poll."""
    modes = {"auto": None, "none": OffsetMode.UNTESTED}
    mode = modes[account.offset_mode] if account.offset_mode in modes else OffsetMode(account.offset_mode)
    return Limits(offset_mode=mode, max_offset=account.max_offset, max_requests=config.max_requests_per_poll)


def exposed_by(config: Config) -> Exposed:
    """What *config* wants exposed."""
    return Exposed(
        age_buckets=config.age_buckets,
        per_csr=config.per_csr.enabled,
        max_series=config.per_csr.max_series,
        labels=config.per_csr.labels,
    )
