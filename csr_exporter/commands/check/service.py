"""What the service says: its time, whether it takes the credentials and grants the list, and how the list is paged.

Credentials are sent once until they are accepted, with no retry and no renewal: the service locks keys and users after
a few refusals in a row.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from math import ceil

import requests

from csr_exporter.cloud.auth import Auth, Credential, SharedLease, auth_for
from csr_exporter.cloud.client import CsrApi
from csr_exporter.cloud.transport import Transport, TransportSettings
from csr_exporter.commands.check.report import Finding, Outcome, Step, StepFailedError
from csr_exporter.config import AccountConfig, AnyCredentials, Config, PasswordCredentials, TokenCredentials, duration
from csr_exporter.inventory import ADVICE, Exchange, OffsetMode, Page, Query, Reason, Service, SourceError
from csr_exporter.listing import Limits, read
from csr_exporter.listing.offsets import PROBES, Paging
from csr_exporter.listing.pages import PAGE_SIZE
from csr_exporter.polling.accounts import listing_limits

DAY = 86_400.0
CLOCK_PRECISION = 5.0
"""Seconds. The service sends whole ones, and its reply takes a while."""

SKEW_TO_WARN_OF = 60.0
LARGEST_SKEW = 900.0
"""Seconds of clock skew beyond which signatures are refused. Source: "API Request Signing Guide"."""

_MEANINGS = {
    OffsetMode.RECORD: "counts records",
    OffsetMode.PAGE: "counts pages from 0",
    OffsetMode.PAGE1: "counts pages from 1",
    OffsetMode.IGNORED: "is ignored or refused",
    OffsetMode.UNTESTED: "is not sent",
}


class CredentialAttempts:
    """Lets accounts with equal credentials send them one after the other, and not at all once they were refused."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, threading.Lock] = {}
        self._refused: dict[Hashable, str] = {}

    @contextmanager
    def of(self, account: AccountConfig, seconds: float) -> Iterator[None]:
        """The attempt of *account*, which waits up to *seconds* for others. Raises `StepFailedError`."""
        key = _counted_by_the_service(account.credentials)
        lock = self._locks.setdefault(key, threading.Lock())
        if not lock.acquire(timeout=max(0.0, seconds)):
            raise _not_sent("another account is still trying them")
        try:
            if other := self._refused.get(key):
                raise _not_sent(f"{other} has the same, and they failed")
            yield
        except StepFailedError as error:
            if error.finding.step is Step.CREDENTIALS:
                self._refused.setdefault(key, account.name)
            raise
        finally:
            lock.release()


def _counted_by_the_service(credentials: AnyCredentials) -> Hashable:
    """What refusals are counted for: a user has one password, whatever the scope of the token."""
    if isinstance(credentials, PasswordCredentials):
        return credentials.model_copy(update={"scope": None})
    return credentials


def _not_sent(why: str) -> StepFailedError:
    return StepFailedError(Step.CREDENTIALS, f"not sent: {why}", "fix the other account first")


class _Once(Auth):
    """Authenticates with *auth* but renews nothing; *failed* tells whether there was nothing to send."""

    def __init__(self, auth: Auth) -> None:
        super().__init__(lambda: ())
        self._auth = auth
        self.pause = auth.pause
        self.failed = False

    def credential(self) -> Credential:
        try:
            return self._auth.credential()
        except SourceError:
            self.failed = True
            raise


class ServiceCheck:
    """Asks one account's service as little as possible; done by *deadline* on the monotonic clock."""

    def __init__(
        self,
        config: Config,
        account: AccountConfig,
        settings: TransportSettings,
        deadline: float,
        attempts: CredentialAttempts,
    ) -> None:
        self._config = config
        self._account = account
        self._deadline = deadline
        self._attempts = attempts
        self._last: Exchange | None = None
        self._transport = Transport(settings, self)
        self._transport.start(deadline - time.monotonic())
        self._auth = auth_for(account.credentials, self._transport, SharedLease())
        self._once = _Once(self._auth)
        self._api = CsrApi(account.address, self._transport, self._once)

    def exchanged(self, exchange: Exchange) -> None:
        self._last = exchange

    def retried(self, service: Service, reason: Reason) -> None:
        """Never called: nothing is retried."""

    def findings(self) -> Iterator[Finding]:
        """What each step found. Raises `StepFailedError`."""
        yield self._clock()
        try:
            first = self._first_page()
        except StepFailedError as error:
            yield from self._known_despite(error.finding.step)
            raise
        yield self._accepted()
        yield Finding(Step.PERMISSION, Outcome.OK, "the CSR list may be read")
        yield _page(first, self._last)
        limits = listing_limits(self._config, self._account)
        paging = self._paging(first, limits)
        yield _offset(paging, first.total, configured=limits.offset_mode is not None)
        yield requests_needed(first.total, paging, limits.max_requests, self._config.poll_interval)

    def _clock(self) -> Finding:
        """Compares clocks by a request without credentials, which a wrong clock would have refused."""
        try:
            request = requests.Request("HEAD", f"{self._account.address}/")
            self._transport.send(Service.SCM, self._transport.prepare(request))
        except SourceError as error:
            if self._last and self._last.code == "407":
                advice = "check the proxy's user, password and rules"
                raise StepFailedError(Step.CLOCK, f"the proxy refuses: {error.detail}", advice) from None
            if self._last is None or self._last.code == "error":
                return Finding(Step.CLOCK, Outcome.WARNING, f"unknown: {error.detail}", ADVICE[error.reason])
        if self._last is None or self._last.clock_skew is None:
            return Finding(Step.CLOCK, Outcome.WARNING, "unknown: the service does not send its time")
        return self._compared(self._last.clock_skew)

    def _compared(self, skew: float) -> Finding:
        if abs(skew) < CLOCK_PRECISION:
            return Finding(Step.CLOCK, Outcome.OK, "same as the service's")
        detail = f"{duration(round(abs(skew)))} {'behind' if skew > 0 else 'ahead of'} the service's"
        advice = "synchronize this machine's clock (NTP)"
        signed = not isinstance(self._account.credentials, PasswordCredentials | TokenCredentials)
        if abs(skew) > LARGEST_SKEW and signed:
            limit = f"signatures are refused beyond {duration(LARGEST_SKEW)}"
            raise StepFailedError(Step.CLOCK, f"{detail}; {limit}", advice)
        if abs(skew) > SKEW_TO_WARN_OF:
            return Finding(Step.CLOCK, Outcome.WARNING, f"{detail}; ages are off by as much", advice)
        return Finding(Step.CLOCK, Outcome.OK, detail)

    def _first_page(self) -> Page:
        with self._attempts.of(self._account, self._deadline - time.monotonic()):
            try:
                return self._api.page(Query())
            except SourceError as error:
                raise self._failure(error) from None

    def _failure(self, error: SourceError) -> StepFailedError:
        """The step that failed with *error*."""
        advice = ADVICE[error.reason]
        if self._once.failed or error.reason is Reason.UNAUTHORIZED:
            wait = f"; wait {duration(error.pause)} before you try again, or be locked out" if error.pause else ""
            return _failed(Step.CREDENTIALS, error, advice + wait)
        return _failed(Step.PERMISSION if error.reason is Reason.FORBIDDEN else Step.PAGE, error, advice)

    def _known_despite(self, failed: Step) -> Iterator[Finding]:
        """What a first page that *failed* still tells of the steps before it."""
        if failed is Step.PERMISSION:
            yield self._accepted()
        if failed is Step.PAGE:
            for step in (Step.CREDENTIALS, Step.PERMISSION):
                yield Finding(step, Outcome.NOT_TRIED, "unknown: the service did not get to check")

    def _accepted(self) -> Finding:
        expiry = self._auth.expires_at
        until = "" if expiry is None else f", valid until {time.strftime('%Y-%m-%d %H:%M', time.gmtime(expiry))} UTC"
        return Finding(Step.CREDENTIALS, Outcome.OK, f"accepted ({self._account.credentials.kind}{until})")

    def _paging(self, first: Page, limits: Limits) -> Paging:
        """What an offset means, found out as a poll does, by at most two further pages."""
        if limits.offset_mode is not None:
            return Paging(limits.offset_mode, limits.max_offset)
        pages = {Query(): first}
        probing = Limits(max_offset=limits.max_offset, max_requests=1 + len(PROBES))
        try:
            reading = read(lambda query: pages.pop(query, None) or self._api.page(query), probing)
        except SourceError as error:
            raise _failed(Step.OFFSET, error, ADVICE[error.reason]) from None
        return Paging(reading.inventory.offset_mode, limits.max_offset)


def _failed(step: Step, error: SourceError, advice: str) -> StepFailedError:
    return StepFailedError(step, f"{error.reason}: {error.detail}", advice)


def _page(first: Page, exchange: Exchange | None) -> Finding:
    total = "an unknown number of" if first.total is None else first.total
    took = f" in {exchange.seconds * 1000:.0f} ms" if exchange else ""
    detail = f"{first.entries} of {total} CSR{'' if first.total == 1 else 's'}{took}"
    if rejected := sum(first.rejected.values()):
        advice = "see csr_exporter_records_rejected_total"
        return Finding(Step.PAGE, Outcome.WARNING, f"{detail}; {rejected} flaws in them", advice)
    return Finding(Step.PAGE, Outcome.OK, detail)


def _offset(paging: Paging, total: int | None, *, configured: bool) -> Finding:
    if not configured and paging.mode is OffsetMode.UNTESTED:
        return Finding(Step.OFFSET, Outcome.OK, "not needed: one page holds the list")
    meaning = f"{_MEANINGS[paging.mode]}{', as configured' if configured else ''}"
    if paging.window is None:
        return Finding(Step.OFFSET, Outcome.OK, f"{meaning}; paging reaches all CSRs")
    detail = f"{meaning}; paging reaches {paging.window} CSRs"
    if total is not None and total > paging.window:
        advice = "filters find the rest; scm_csr_inventory_complete tells whether they found all"
        return Finding(Step.OFFSET, Outcome.WARNING, detail, advice)
    return Finding(Step.OFFSET, Outcome.OK, detail)


def requests_needed(total: int | None, paging: Paging, most: int, interval: float) -> Finding:
    """Requests per poll and per day for a list of *total* CSRs, polled every *interval* seconds.

    A list within reach of paging takes its pages; beyond that, filters take up to *most* requests in all.
    """
    reachable = paging.window if total is None or paging.window is None else min(total, paging.window)
    pages = max(1, ceil((reachable or 0) / PAGE_SIZE))
    at_least = min(pages, most)
    bounds = [at_least] if total is not None and total == reachable else [at_least, most]
    per_poll, per_day = (
        " to ".join(f"{each * polls:.0f}" for each in dict.fromkeys(bounds)) for polls in (1, DAY / interval)
    )
    detail = f"{per_poll} per poll, {per_day} per day with poll_interval {duration(interval)}"
    if pages > most:
        advice = f"raise max_requests_per_poll: {pages} pages are needed"
        return Finding(Step.REQUESTS, Outcome.WARNING, detail, advice)
    return Finding(Step.REQUESTS, Outcome.OK, detail)
