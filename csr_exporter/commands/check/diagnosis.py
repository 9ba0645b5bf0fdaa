"""Checking all accounts side by side, each for a bounded time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from csr_exporter.commands.check.network import check_network
from csr_exporter.commands.check.report import Finding, Outcome, Report, Step, StepFailedError
from csr_exporter.commands.check.service import CredentialAttempts, ServiceCheck
from csr_exporter.config import AccountConfig, Config
from csr_exporter.inventory import ADVICE, Reason
from csr_exporter.polling.accounts import transport_settings
from csr_exporter.polling.threads import DaemonThreads

MOST_THREADS = 32

GRACE = 1.0
"""Seconds beyond poll_timeout in which an account may still report its own time-out."""


def diagnose(config: Config, most: int = MOST_THREADS) -> Iterator[Report]:
    """A report on each account of *config*, in its order; *most* accounts are checked at a time."""
    threads = DaemonThreads(most, "check")
    return threads.map(partial(_diagnose, config, CredentialAttempts()), config.accounts)


def _diagnose(config: Config, attempts: CredentialAttempts, account: AccountConfig) -> Report:
    """What is found within poll_timeout. Name resolution has no time-out, so a thread that hangs in it is abandoned."""
    found: list[Finding] = []
    thread = threading.Thread(target=_collect, args=(_steps(config, attempts, account), found), daemon=True)
    thread.start()
    thread.join(config.poll_timeout + GRACE)
    in_time = list(found)
    if thread.is_alive():
        in_time.append(_stopped(in_time, "took longer than poll_timeout", Reason.DEADLINE))
    return Report.of(account.name, account.address, in_time)


def _collect(steps: Iterator[Finding], found: list[Finding]) -> None:
    """Append to *found* what each step finds, up to one that fails."""
    try:
        for finding in steps:
            found.append(finding)  # noqa: PERF402 - one by one: another thread reads along
    except StepFailedError as error:
        found.append(error.finding)
    except Exception as error:  # noqa: BLE001 - a bug costs this account's report alone
        found.append(_stopped(found, type(error).__name__, Reason.INTERNAL))


def _stopped(found: list[Finding], detail: str, reason: Reason) -> Finding:
    """The failure of the step that follows those *found*."""
    done = {each.step for each in found}
    step = next((step for step in Step if step not in done), Step.REQUESTS)
    return Finding(step, Outcome.FAILED, detail, ADVICE[reason])


def _steps(config: Config, attempts: CredentialAttempts, account: AccountConfig) -> Iterator[Finding]:
    deadline = time.monotonic() + config.poll_timeout
    settings = replace(transport_settings(config, account), attempts=1)
    yield from check_network(account.address, settings)
    yield from ServiceCheck(config, account, settings, deadline, attempts).findings()
