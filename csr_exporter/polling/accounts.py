"""From the configuration of an account to the poller that knows it."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

from csr_exporter.cloud.auth import Leases, auth_for
from csr_exporter.cloud.client import CsrApi
from csr_exporter.cloud.transport import Transport, TransportSettings
from csr_exporter.config import (
    AccountConfig,
    AkskCredentials,
    AnyCredentials,
    Config,
    EnvironmentCredentials,
    OwnerConfig,
    SecretUnavailableError,
    WaiverConfig,
)
from csr_exporter.inventory import OffsetMode, Page
from csr_exporter.listing import Limits
from csr_exporter.metrics import Exposed
from csr_exporter.policy import Glob, Owner, Policy, Rule, Rules, Selector, Waiver
from csr_exporter.polling.poller import Poller
from csr_exporter.status import Account


def poller_for(
    config: Config,
    account: AccountConfig,
    leases: Leases,
    sleep: Callable[[float], None] = time.sleep,
    watch: Callable[[Page], None] = lambda _: None,
    now: Callable[[], float] = time.time,
) -> Poller:
    """The poller of *account*; accounts share tokens by *leases*, and *watch* sees each page."""

    def connect(poller: Poller) -> CsrApi:
        settings = transport_settings(config, account)
        transport = Transport(settings, poller, sleep, now)
        auth = auth_for(account.credentials, transport, leases.shared((account.credentials, settings)))
        return CsrApi(account.address, transport, auth, watch, now)

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


def identity_of(account: AccountConfig) -> str:
    """A hash that changes when *account* may have become another one: other credentials, or another endpoint.

    Of secrets it has none: those of a key or user are renewed, and its CSRs stay what they are. Another access key is
    another identity, because nothing tells whose it is.
    """
    told = [account.address, account.credentials.model_dump_json(), _access_key(account.credentials)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _access_key(credentials: AnyCredentials) -> str:
    """The access key's ID, which is no secret; empty where there is none, or not yet."""
    if isinstance(credentials, EnvironmentCredentials):
        return os.environ.get("HUAWEICLOUD_SDK_AK", "")
    with suppress(SecretUnavailableError):
        if isinstance(credentials, AkskCredentials):
            return credentials.access_key.read()
    return ""


def transport_settings(config: Config, account: AccountConfig) -> TransportSettings:
    """How to reach the services of *account*."""
    return TransportSettings(
        request_timeout=config.request_timeout,
        requests_per_second=config.max_requests_per_second,
        proxy=account.proxy.get_secret_value() if account.proxy else None,
        ca_file=account.ca_file,
        verify=not account.insecure_skip_verify,
        plain_http=account.insecure_plain_http,
        account=account.name,
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
        policy=policy_by(config),
    )


def policy_by(config: Config) -> Policy:
    """What *config* demands of CSRs."""
    rules = config.policy
    return Policy(
        owners=tuple(Owner(each.owner, _selector(each)) for each in config.owners),
        rules=Rules(
            max_age=rules.max_age,
            allowed_algorithms=None if rules.allowed_algorithms is None else frozenset(rules.allowed_algorithms),
            allowed_domains=None if rules.allowed_domains is None else _globs(rules.allowed_domains),
            owner_required=rules.owner_required,
            superseded_after=rules.superseded_after,
        ),
        waivers=tuple(
            Waiver(each.name, Rule(each.rule), _selector(each), _end_of(each.until)) for each in config.waivers
        ),
    )


def _selector(given: OwnerConfig | WaiverConfig) -> Selector:
    ids = given.ids if isinstance(given, WaiverConfig) else None
    return Selector(_globs(given.names), _globs(given.domains), _globs(given.accounts), _globs(ids))


def _globs(patterns: tuple[str, ...] | None) -> tuple[Glob, ...]:
    return tuple(map(Glob.of, patterns or ()))


def _end_of(day: date) -> float:
    """When *day* ends in UTC, in Unix seconds."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC).timestamp()
