"""What the service says: the time, whether the credentials are good and may list, and how the list is paged.

Credentials are sent once until they are accepted: nothing is retried and nothing renewed, for the service locks keys
and users after some refusals in a row.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import requests

from csr_exporter.cloud.auth import Auth, Credential, SharedLease, auth_for
from csr_exporter.cloud.client import CsrApi
from csr_exporter.cloud.transport import Transport, TransportSettings
from csr_exporter.commands.check.cost import cost, span
from csr_exporter.commands.check.report import Finding, Outcome, Step, StepFailedError
from csr_exporter.commands.check.turns import Turns
from csr_exporter.config import AccountConfig, Config, PasswordCredentials, TokenCredentials
from csr_exporter.inventory import ADVICE, Exchange, OffsetMode, Page, Query, Reason, Service, SourceError
from csr_exporter.listing import Limits, read
from csr_exporter.listing.offsets import PROBES, Paging
from csr_exporter.polling.accounts import listing_limits

SKEW_NOT_TOLD = 5.0
"""Seconds. The service tells whole ones, and its reply takes a while."""

SKEW_TO_WARN_OF = 60.0
LARGEST_SKEW = 900.0
"""Seconds that the clock may be off before signatures are refused. Source: "API Request Signing Guide"."""

PROXY_REFUSAL = "407"

_MEANINGS = {
    OffsetMode.RECORD: "counts records",
    OffsetMode.PAGE: "counts pages from 0",
    OffsetMode.PAGE1: "counts pages from 1",
    OffsetMode.IGNORED: "is ignored or refused",
    OffsetMode.UNTESTED: "is not sent",
}


class _Wire:
    """Remembers the last exchange."""

    def __init__(self) -> None:
        self.last: Exchange | None = None

    def exchanged(self, exchange: Exchange) -> None:
        self.last = exchange

    def retried(self, service: Service, reason: Reason) -> None:
        """Never comes: nothing is retried."""


class _Once(Auth):
    """The credential of *auth*, never renewed; *failed* is why there were no credentials to send."""

    def __init__(self, auth: Auth) -> None:
        super().__init__(lambda: ())
        self._auth = auth
        self.pause = auth.pause
        self.failed: SourceError | None = None

    def credential(self) -> Credential:
        try:
            return self._auth.credential()
        except SourceError as error:
            self.failed = error
            raise


class Visit:
    """One account's service, asked as little as tells what there is to know. Each method raises `StepFailedError`."""

    def __init__(
        self, config: Config, account: AccountConfig, settings: TransportSettings, ends: float, turns: Turns
    ) -> None:
        """Be done by *ends* on the monotonic clock."""
        self._config = config
        self._account = account
        self._ends = ends
        self._turns = turns
        self._wire = _Wire()
        self._transport = Transport(settings, self._wire)
        self._transport.start(ends - time.monotonic())
        self._auth = auth_for(account.credentials, self._transport, SharedLease())
        self._once = _Once(self._auth)
        self._api = CsrApi(account.address, self._transport, self._once)

    def findings(self) -> Iterator[Finding]:
        """What each step found."""
        yield self._clock()
        try:
            first = self._first_page()
        except StepFailedError as error:
            yield from self._before(error.finding.step)
            raise
        yield from self._before()
        yield _page(first, self._wire.last)
        limits = listing_limits(self._config, self._account)
        paging = self._paging(first, limits)
        yield _offset(paging, first.total, configured=limits.offset_mode is not None)
        yield cost(first.total, paging, limits.max_requests, self._config.poll_interval)

    # --- clock --------------------------------------------------------------------------------------------------------

    def _clock(self) -> Finding:
        """Compare clocks by a request without credentials, lest those be refused for a wrong clock."""
        try:
            self._transport.send(Service.SCM, requests.Request("HEAD", f"{self._account.address}/"))
        except SourceError as error:
            if self._wire.last is not None and self._wire.last.code == PROXY_REFUSAL:
                detail, advice = f"the proxy refuses: {error.detail}", "check user, password and rules of the proxy"
                raise StepFailedError(Step.CLOCK, detail, advice) from None
            if self._wire.last is None or self._wire.last.code == "error":
                return Finding(Step.CLOCK, Outcome.WARNING, f"not known: {error.detail}", ADVICE[error.reason])
        return self._compared(self._wire.last.clock_skew if self._wire.last else None)

    def _compared(self, skew: float | None) -> Finding:
        if skew is None:
            return Finding(Step.CLOCK, Outcome.WARNING, "not known: the service does not say what time it is")
        detail, advice = _apart(skew), "synchronize this machine's clock (NTP)"
        if abs(skew) > LARGEST_SKEW and not isinstance(
            self._account.credentials, PasswordCredentials | TokenCredentials
        ):
            raise StepFailedError(Step.CLOCK, f"{detail}; beyond {span(LARGEST_SKEW)} signatures are refused", advice)
        if abs(skew) > SKEW_TO_WARN_OF:
            return Finding(Step.CLOCK, Outcome.WARNING, f"{detail}; ages are as wrong", advice)
        return Finding(Step.CLOCK, Outcome.OK, detail)

    # --- credentials, permission, page --------------------------------------------------------------------------------

    def _first_page(self) -> Page:
        with self._turns.turn(self._account.credentials, self._account.name, self._ends - time.monotonic()):
            try:
                return self._api.page(Query())
            except SourceError as error:
                raise self._blamed(error) from None

    def _blamed(self, error: SourceError) -> StepFailedError:
        """The step that *error* is a failure of."""
        advice = ADVICE[error.reason]
        if self._once.failed is not None or error.reason is Reason.UNAUTHORIZED:
            wait = f"; wait {span(error.pause)} before the next attempt, or be locked out" if error.pause else ""
            return StepFailedError(Step.CREDENTIALS, _told(error), f"{advice}{wait}")
        step = Step.PERMISSION if error.reason is Reason.FORBIDDEN else Step.PAGE
        return StepFailedError(step, _told(error), advice)

    def _before(self, failed: Step | None = None) -> Iterator[Finding]:
        """What it says of credentials and permission that the first page came, or that *failed* with it."""
        if failed is Step.PAGE:
            unknown = "not known: the service did not come to judge it"
            yield Finding(Step.CREDENTIALS, Outcome.NOT_TRIED, unknown)
            yield Finding(Step.PERMISSION, Outcome.NOT_TRIED, unknown)
        elif failed is not Step.CREDENTIALS:
            yield Finding(Step.CREDENTIALS, Outcome.OK, self._accepted())
        if failed is None:
            yield Finding(Step.PERMISSION, Outcome.OK, "the CSR list may be read")

    def _accepted(self) -> str:
        kind = self._account.credentials.kind
        ends = self._auth.expires_at
        until = "" if ends is None else f", good until {time.strftime('%Y-%m-%d %H:%M', time.gmtime(ends))} UTC"
        return f"accepted ({kind}{until})"

    # --- offset -------------------------------------------------------------------------------------------------------

    def _paging(self, first: Page, limits: Limits) -> Paging:
        """What an offset means, as a poll would find out: by at most two further pages."""
        if limits.offset_mode is not None:
            return Paging(limits.offset_mode, limits.max_offset)
        known = {Query(): first}
        probing = Limits(max_offset=limits.max_offset, max_requests=1 + len(PROBES))
        try:
            reading = read(lambda query: known.pop(query, None) or self._api.page(query), probing)
        except SourceError as error:
            raise StepFailedError(Step.OFFSET, _told(error), ADVICE[error.reason]) from None
        return Paging(reading.inventory.offset_mode, limits.max_offset)


def _told(error: SourceError) -> str:
    return f"{error.reason}: {error.detail}"


def _apart(skew: float) -> str:
    if abs(skew) < SKEW_NOT_TOLD:
        return "as the service's"
    return f"{span(abs(skew))} {'behind' if skew > 0 else 'ahead of'} the service's"


def _page(first: Page, exchange: Exchange | None) -> Finding:
    total = "an unknown number of" if first.total is None else first.total
    took = f" in {exchange.seconds * 1000:.0f} ms" if exchange else ""
    detail = f"{first.entries} of {total} CSR{'' if first.total == 1 else 's'}{took}"
    if rejected := sum(first.rejected.values()):
        return Finding(
            Step.PAGE, Outcome.WARNING, f"{detail}; {rejected} flaws in them", "see csr_exporter_records_rejected_total"
        )
    return Finding(Step.PAGE, Outcome.OK, detail)


def _offset(paging: Paging, total: int | None, *, configured: bool) -> Finding:
    if not configured and paging.mode is OffsetMode.UNTESTED:
        return Finding(Step.OFFSET, Outcome.OK, "not needed: one page holds the list")
    meaning = f"{_MEANINGS[paging.mode]}{', as configured' if configured else ''}"
    if paging.window is None:
        return Finding(Step.OFFSET, Outcome.OK, f"{meaning}; all CSRs can be paged through")
    detail = f"{meaning}; {paging.window} CSRs can be paged through"
    if total is not None and total > paging.window:
        advice = "the rest is looked for with filters; scm_csr_inventory_complete tells whether all was found"
        return Finding(Step.OFFSET, Outcome.WARNING, detail, advice)
    return Finding(Step.OFFSET, Outcome.OK, detail)
