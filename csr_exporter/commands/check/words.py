"""Reports as lines to read, which say the same without colour and in ASCII. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from csr_exporter.commands.check.report import Finding, Outcome, Report, Step

_COLOURS = {Outcome.OK: "green", Outcome.WARNING: "yellow", Outcome.FAILED: "red", Outcome.NOT_TRIED: None}
_OUTCOME_WIDTH = max(len(each) for each in Outcome)
_STEP_WIDTH = max(len(each) for each in Step)
_INDENT = " " * (2 + _OUTCOME_WIDTH + 2 + _STEP_WIDTH + 2)


def written(report: Report) -> Iterator[str]:
    """*report* line by line, coloured."""
    yield f"{click.style(report.account, bold=True)}  {report.address}"
    for finding in report.findings:
        yield from _lines(finding)


def _lines(finding: Finding) -> Iterator[str]:
    outcome = click.style(finding.outcome.ljust(_OUTCOME_WIDTH), fg=_COLOURS[finding.outcome])
    yield f"  {outcome}  {finding.step.ljust(_STEP_WIDTH)}  {finding.detail}"
    if finding.advice:
        yield f"{_INDENT}-> {finding.advice}"


def verdict(reports: Sequence[Report]) -> str:
    """How many accounts work."""
    failed = sum(each.failed for each in reports)
    accounts = f"{len(reports)} account{'' if len(reports) == 1 else 's'}"
    return f"{accounts}: {len(reports) - failed} can be polled, {failed} cannot"
