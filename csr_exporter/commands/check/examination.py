"""Looking at all accounts side by side, each for a bounded time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from requests.utils import select_proxy

from csr_exporter.commands.check.reach import reach
from csr_exporter.commands.check.report import Finding, Outcome, Report, Step, StepFailedError, under_way
from csr_exporter.commands.check.route import Route
from csr_exporter.commands.check.service import Visit
from csr_exporter.commands.check.turns import Turns
from csr_exporter.config import AccountConfig, Config
from csr_exporter.inventory import ADVICE, Reason, SourceError
from csr_exporter.polling.accounts import transport_settings
from csr_exporter.polling.threads import DaemonThreads

MOST_THREADS = 32

GRACE = 1.0
"""Seconds that an account gets beyond poll_timeout to say itself that the time is over."""


def examine(config: Config) -> Iterator[Report]:
    """A report on each account of *config*, in its order, as soon as those before are there.

    The threads are left to themselves, so that whoever is tired of waiting can leave.
    """
    threads = DaemonThreads(MOST_THREADS, "check")
    reports = threads.map(partial(_report, config, Turns()), config.accounts)
    threads.shutdown(wait=False)
    return reports


def _report(config: Config, turns: Turns, account: AccountConfig) -> Report:
    """What is found within poll_timeout, in a thread that is left to itself after that: a resolver has no time-out."""
    found: list[Finding] = []
    thread = threading.Thread(
        target=_examine, args=(config, turns, account, found), name=f"check {account.name}", daemon=True
    )
    thread.start()
    thread.join(config.poll_timeout + GRACE)
    known = tuple(found)
    if thread.is_alive():
        detail, advice = "took longer than poll_timeout", ADVICE[Reason.DEADLINE]
        known = (*known, Finding(under_way(known), Outcome.FAILED, detail, advice))
    return Report.of(account.name, account.address, known)


def _examine(config: Config, turns: Turns, account: AccountConfig, found: list[Finding]) -> None:
    """Append to *found* what each step finds, up to one that fails."""
    try:
        for finding in _findings(config, turns, account):
            found.append(finding)  # noqa: PERF402 - one by one, for who looks on
    except StepFailedError as error:
        found.append(error.finding)
    except Exception as error:  # noqa: BLE001 - a fault of ours costs this account's report alone
        found.append(Finding(under_way(found), Outcome.FAILED, type(error).__name__, ADVICE[Reason.INTERNAL]))


def _findings(config: Config, turns: Turns, account: AccountConfig) -> Iterator[Finding]:
    ends = time.monotonic() + config.poll_timeout
    settings = replace(transport_settings(config, account), attempts=1)
    try:
        proxies = settings.proxies(account.address)
    except SourceError as error:
        raise StepFailedError(Step.NAME, error.detail, ADVICE[error.reason]) from None
    route = Route.of(account.address, select_proxy(account.address, proxies))
    yield from reach(route, settings, ends)
    yield from Visit(config, account, settings, ends, turns).findings()
