"""What was found out about an account, step by step, as frozen values. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """What is looked at, in this order."""

    NAME = "name"
    CONNECTION = "connection"
    TLS = "tls"
    CLOCK = "clock"
    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    PAGE = "page"
    OFFSET = "offset"
    REQUESTS = "requests"


class Outcome(StrEnum):
    """How a step went, in letters that every terminal has."""

    OK = "ok"
    WARNING = "warn"
    FAILED = "FAIL"
    NOT_TRIED = "-"


@dataclass(frozen=True, slots=True)
class Finding:
    """How one step went. *advice* is what to do about it. Both texts are free of secrets."""

    step: Step
    outcome: Outcome
    detail: str
    advice: str = ""


class StepFailedError(Exception):
    """A step failed, and none that comes after it can be tried."""

    def __init__(self, step: Step, detail: str, advice: str) -> None:
        super().__init__(f"{step}: {detail}")
        self.finding = Finding(step, Outcome.FAILED, detail, advice)


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found out about one account, one finding for each step."""

    account: str
    address: str
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, account: str, address: str, found: Iterable[Finding]) -> Report:
        """The report with what was *found*; every other step was not tried."""
        by_step = {step: Finding(step, Outcome.NOT_TRIED, "not tried") for step in Step}
        return cls(account, address, tuple((by_step | {each.step: each for each in found}).values()))

    @property
    def failed(self) -> bool:
        return any(each.outcome is Outcome.FAILED for each in self.findings)


def under_way(found: Iterable[Finding]) -> Step:
    """The step that comes after those *found*."""
    done = {each.step for each in found}
    return next((step for step in Step if step not in done), Step.REQUESTS)
