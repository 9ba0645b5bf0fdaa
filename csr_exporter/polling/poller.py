"""One poll of one account, and the account's current `Status`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from csr_exporter.inventory import ADVICE, Change, ChangeKind, Exchange, Page, Query, Reason, Service, SourceError
from csr_exporter.listing import Knowledge, Limits, Reading, read
from csr_exporter.status import Account, Remembered, Status

log = structlog.get_logger()

MOST_LOGGED = 100
"""Changes of one poll that get a line each in the log."""

EVENTS = {ChangeKind.ADDED: "csr_added", ChangeKind.REMOVED: "csr_removed", ChangeKind.RENAMED: "csr_renamed"}


class Source(Protocol):
    """Where the pages of an account come from. *expires_at* and *renewals* are of its credentials."""

    @property
    def expires_at(self) -> float | None: ...

    @property
    def renewals(self) -> int | None: ...

    def start(self, seconds: float) -> None:
        """Begin a poll that may last *seconds*."""

    def end(self) -> None:
        """End a poll: nothing is asked until the next one."""

    def page(self, query: Query) -> Page:
        """Raises `SourceError`."""

    def fingerprint(self) -> bytes:
        """Changes when the secrets do."""


class Poller:
    """Polls one account and holds its `Status`; is told of what goes over the wire for it, by any thread.

    *connect* is given the poller, which observes, and makes the source.
    """

    def __init__(
        self,
        account: Account,
        limits: Limits,
        timeout: float,
        connect: Callable[[Poller], Source],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._limits = limits
        self._timeout = timeout
        self._source = connect(self)
        self._now = now
        self._knowledge = Knowledge()
        self._refused = b""
        self._sent_before = 0
        self._counting = threading.Lock()
        self.status = Status(account)

    @property
    def _sent(self) -> int:
        """The requests of the current poll, those for credentials included."""
        return self.status.traffic.sent - self._sent_before

    def inherit(self, before: Poller) -> None:
        """Go on from what *before* knows of the same account and credentials, a pause that it keeps to included."""
        self._knowledge, self._refused = before._knowledge, before._refused
        self.status = replace(before.status, account=self.status.account)

    def remember(self, remembered: Remembered) -> None:
        """Go on from what an earlier process knew."""
        self.status = self.status.resumed(remembered)

    def fingerprint(self) -> bytes:
        """Changes when the secrets do."""
        return self._source.fingerprint()

    def resume_pause(self, error: SourceError, failed_at: float) -> None:
        """Go on with the pause that *error* asked for in an earlier process, at *failed_at* in Unix seconds."""
        self._refused = self._source.fingerprint()
        status = self.status.after_failure(error, failed_at, seconds=0.0)
        self.status = replace(status, waiting_until=failed_at + error.pause)

    def exchanged(self, exchange: Exchange) -> None:
        with self._counting:
            self.status = replace(self.status, traffic=self.status.traffic.after(exchange))

    def retried(self, service: Service, reason: Reason) -> None:
        with self._counting:
            self.status = replace(self.status, traffic=self.status.traffic.after_retry(service, reason))

    def poll(self, next_poll: float | None = None) -> None:
        """Read the list once, unless a refusal forbids to ask yet. Never raises: a fault is part of the status.

        *next_poll* is when the scheduler will call again.
        """
        self.status = replace(self.status, next_poll=next_poll)
        if self._must_wait():
            return
        started, self._sent_before = time.monotonic(), self.status.traffic.sent
        try:
            self._source.start(self._timeout)
            reading = read(self._source.page, self._limits, self._knowledge)
        except SourceError as error:
            self._failed(error, time.monotonic() - started)
        except Exception as error:
            log.exception("poll_crashed", account=self.status.account.name)
            self._failed(SourceError(Reason.INTERNAL, type(error).__name__), time.monotonic() - started)
        else:
            self._succeeded(reading, time.monotonic() - started)
        finally:
            self._source.end()

    def _must_wait(self) -> bool:
        """Whether a pause still runs; new secrets end it, and so does a clock that was set back to before it began."""
        until, error = self.status.waiting_until, self.status.error
        if until is None or error is None:
            return False
        return 0 < until - self._now() <= error.pause and self._source.fingerprint() == self._refused

    def _succeeded(self, reading: Reading, seconds: float) -> None:
        self._knowledge = reading.knowledge
        status = self.status.after_success(
            reading.inventory, self._now(), seconds, reading.torn_walks, reading.rejected, self._sent
        )
        self.status = self._with_credentials(status)
        log.info(
            "poll_succeeded",
            account=status.account.name,
            reported=reading.inventory.reported,
            listed=len(reading.inventory.csrs),
            complete=reading.inventory.complete,
            requests=reading.inventory.requests,
            duration_seconds=round(seconds, 3),
        )
        _log_changes(status.account.name, status.changes)

    def _failed(self, error: SourceError, seconds: float) -> None:
        error = SourceError(error.reason, error.detail, pause=error.pause)  # as raised, it holds all that had been read
        now = self._now()
        waiting_until = now + error.pause if error.pause else None
        self._refused = self._source.fingerprint()
        status = replace(self.status.after_failure(error, now, seconds, self._sent), waiting_until=waiting_until)
        self.status = self._with_credentials(status)
        log.warning(
            "poll_failed",
            account=status.account.name,
            reason=error.reason,
            detail=error.detail,
            advice=ADVICE[error.reason],
            duration_seconds=round(seconds, 3),
            **({"pause_seconds": round(error.pause)} if error.pause else {}),
        )

    def _with_credentials(self, status: Status) -> Status:
        return replace(status, credential_expires_at=self._source.expires_at, credential_renewals=self._source.renewals)


def _log_changes(account: str, changes: Sequence[Change]) -> None:
    for change in changes[:MOST_LOGGED]:
        renamed = {"previous_name": change.previous_name} if change.kind is ChangeKind.RENAMED else {}
        log.info(
            EVENTS[change.kind],
            account=account,
            id=change.id,
            name=change.name,
            **renamed,
            domain_name=change.domain,
            private_key_algo=change.algorithm,
        )
    if len(changes) > MOST_LOGGED:
        log.warning("csr_changes_omitted", account=account, changes=len(changes) - MOST_LOGGED)
