"""The files that `make rules` writes, and what is in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.prometheus.cases import CASES, trials, written
from deploy.prometheus.rules import (
    ALERTS,
    CONCERNS,
    DEFAULTS,
    HEADER,
    HERE,
    RULES,
    TEMPLATE,
    TEXTFILE_RULES,
    as_yaml,
    filled,
    suits,
    text,
)

DOCS = HERE.parent.parent / "docs"
TESTS = HERE / "tests"


def files() -> Mapping[Path, str]:
    """Content by path."""
    return {
        RULES: text(),
        TEXTFILE_RULES: text(textfile=True),
        **{TESTS / name: content for name, content in unit_tests()},
        DOCS / "alerts.md": "\n".join(_alerts_page()) + "\n",
        DOCS / "runbooks" / "README.md": "\n".join(_runbooks_page()) + "\n",
    }


def unit_tests() -> Iterator[tuple[str, str]]:
    """Names and contents of the files for ``promtool test rules``: one for each concern and interval."""
    tests = defaultdict(list)
    for alert in CASES:
        for test in (written(alert, case) for case in trials(alert)):
            tests[ALERTS[alert]["concern"], test["interval"]].append(test)
    for (concern, interval), each in tests.items():
        content = {"rule_files": [f"../{RULES.name}"], "evaluation_interval": interval, "tests": each}
        yield f"{concern}.{interval}.yml", HEADER + as_yaml(content)


def _of(concern: str) -> Iterator[tuple[str, str, str, str]]:
    """Name, severity, condition and duration of each alert of *concern*."""
    for name, alert in ALERTS.items():
        if alert["concern"] == concern:
            yield name, alert["severity"], filled(alert["when"]), alert["for"]


def _alerts_page() -> Iterator[str]:
    left_out = ", ".join(f"`{name}`" for name, alert in ALERTS.items() if not suits(alert, textfile=True))
    head = (DOCS / "alerts.head.md").read_text(encoding="utf-8").replace("@@not_textfile@@", left_out)
    yield from head.splitlines()
    for concern in CONCERNS:
        yield from ("", f"### {concern.capitalize()}", "")
        yield from ("| alert | severity | fires when | for |", "| --- | --- | --- | --- |")
        for name, severity, when, hold in _of(concern):
            yield f"| [{name}](runbooks/{name}.md) | {severity} | {when} | {hold} |"
    yield from ("", "## Thresholds", "", "| name | default | |", "| --- | --- | --- |")
    for name, (default, about) in TEMPLATE["thresholds"].items():
        yield f"| `{name}` | {'-' if default is None else filled(f'@@{name}@@', DEFAULTS)} | {about} |"
    yield from ("", "## Recording rules", "", "| name | |", "| --- | --- |")
    for record in TEMPLATE["records"]:
        yield f"| `{record['record']}` | {record['about']} |"


def _runbooks_page() -> Iterator[str]:
    yield "# Runbooks"
    yield ""
    yield "One for each alert: what it means, its impact, how to look into it, how to fix it. [Alerts](../alerts.md)"
    yield "says how to install and change the rules."
    for concern in CONCERNS:
        yield from ("", f"## {concern.capitalize()}", "")
        for name, _, when, _ in _of(concern):
            yield f"- [{name}]({name}.md): {when}"
