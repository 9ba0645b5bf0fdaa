"""What a check found out about an account, step by step, and how it reads without colour and in ASCII. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import click

from csr_exporter.commands.terminal import broken_at_words


class Step(StrEnum):
    """What is checked, in this order."""

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
    """How a step went."""

    OK = "ok"
    WARNING = "warn"
    FAILED = "FAIL"
    NOT_TRIED = "-"


_COLOURS = {Outcome.OK: "green", Outcome.WARNING: "yellow", Outcome.FAILED: "red", Outcome.NOT_TRIED: None}


@dataclass(frozen=True, slots=True)
class Finding:
    """How one step went, and *advice* on what to do about it. Both texts are free of secrets."""

    step: Step
    outcome: Outcome
    detail: str
    advice: str = ""

    def lines(self) -> Iterator[str]:
        outcome, step = self.outcome.ljust(4), self.step.ljust(11)
        detail = broken_at_words(self.detail, indent=21)
        yield f"  {click.style(outcome, fg=_COLOURS[self.outcome])}  {step}  {detail}"
        if self.advice:
            yield f"{'':21}-> {broken_at_words(self.advice, indent=24)}"


class StepFailedError(Exception):
    """A step failed, so the later ones cannot be tried."""

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

    def lines(self) -> Iterator[str]:
        """The report as text, coloured."""
        yield f"{click.style(self.account, bold=True)}  {self.address}"
        for finding in self.findings:
            yield from finding.lines()


def summary(reports: Sequence[Report]) -> str:
    """How many accounts can be polled."""
    failed = sum(each.failed for each in reports)
    accounts = f"{len(reports)} account{'' if len(reports) == 1 else 's'}"
    return f"{accounts}: {len(reports) - failed} can be polled, {failed} cannot"
