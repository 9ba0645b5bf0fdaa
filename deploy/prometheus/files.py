"""The files that follow from the code, and what is in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.prometheus import rules
from deploy.prometheus.cases import CASES
from deploy.prometheus.promql import duration
from deploy.prometheus.thresholds import Thresholds

HERE = Path(__file__).parent
DOCS = HERE.parent.parent / "docs"

RULES = HERE / "csr-exporter.rules.yml"
TESTS = HERE / "tests"


def files() -> Mapping[Path, str]:
    """Content by path."""
    thresholds = Thresholds()
    return {
        RULES: rules.text(thresholds),
        **{TESTS / name: text for name, text in unit_tests()},
        DOCS / "alerts.md": "\n".join(_alerts_page(thresholds)) + "\n",
        DOCS / "runbooks" / "README.md": "\n".join(_runbooks_page(thresholds)) + "\n",
    }


def unit_tests() -> Iterator[tuple[str, str]]:
    """Names and contents of the files for ``promtool test rules``: one for each concern and interval."""
    for concern, cases in CASES.items():
        by_interval = defaultdict(list)
        for case in cases:
            for test in case.tests():
                by_interval[test.interval].append(test.written())
        for interval, tests in by_interval.items():
            content = {
                "rule_files": [f"../{RULES.name}"],
                "evaluation_interval": interval,
                "tests": tests,
            }
            yield f"{concern}.{interval}.yml", rules.HEADER + rules.as_yaml(content)


def _alerts_page(thresholds: Thresholds) -> Iterator[str]:
    yield from (DOCS / "alerts.head.md").read_text(encoding="utf-8").splitlines()
    for concern in rules.CONCERNS:
        yield from ("", f"### {concern.capitalize()}", "")
        yield from ("| alert | severity | fires when | for |", "| --- | --- | --- | --- |")
        for of, alert in rules.alerts(thresholds):
            if of == concern:
                link = f"[{alert.name}](runbooks/{alert.name}.md)"
                yield f"| {link} | {alert.severity} | {alert.when} | {duration(alert.hold)} |"
    yield from ("", "## Thresholds", "", "| name | default | |", "| --- | --- | --- |")
    for name, default, about in Thresholds.documented():
        yield f"| `{name}` | {default} | {about} |"
    yield from ("", "## Recording rules", "", "| name | |", "| --- | --- |")
    for record in rules.RECORDS:
        yield f"| `{record.name}` | {record.about} |"


def _runbooks_page(thresholds: Thresholds) -> Iterator[str]:
    yield "# Runbooks"
    yield ""
    yield "One for each alert: what it means, what it costs, how to look, how to fix. [Alerts](../alerts.md) says how"
    yield "the rules are installed and changed."
    for concern in rules.CONCERNS:
        yield from ("", f"## {concern.capitalize()}", "")
        for of, alert in rules.alerts(thresholds):
            if of == concern:
                yield f"- [{alert.name}]({alert.name}.md): {alert.when}"
