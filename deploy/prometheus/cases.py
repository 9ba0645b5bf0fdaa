"""From `cases.yml` to the tests that promtool runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from deploy.prometheus.rules import (
    ALERTS,
    DEFAULTS,
    OWN_ALERT,
    Thresholds,
    alerts_of,
    filled,
    open_rule,
    rendered,
    template,
)

JOB = "csr-exporter"
NOTHING = "null"
Case = Mapping[str, Any]
Series = Mapping[str, str]
"""Samples by name and labels, both as promtool writes them."""


def read_cases() -> Mapping[str, Sequence[Case]]:
    """The cases by alert, as they are written."""
    text = rendered("cases.yml", own_alert=OWN_ALERT)
    # Texts alone: YAML would take 0x4 for a number.
    cases: dict[str, list[Case]] = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts
    return cases


CASES = read_cases()


def trials(alert: str) -> Iterator[Case]:
    """The cases of *alert*, each by itself."""
    for case in CASES[alert]:
        yield from [case] if "name" in case else _expanded(case)


def _expanded(case: Case) -> Iterator[Case]:
    fires = int(case["fires"])
    below = {series_of(name, account="staging"): values for name, values in case["below"].items()}
    replicas = {
        series_of(name, instance=instance, node=f"node-{instance}", pod_template_hash=instance): values
        for instance in ("one", "two")
        for name, values in case["series"].items()
    }
    yield {
        **case,
        "name": "fires, not below, and ends",
        "series": case["series"] | below,
        "quiet": [fires - 1, case["over"]],
    }
    yield {**case, "name": "two replicas", "series": replicas, "quiet": [fires - 1]}
    yield {"name": "no series of one of its metrics", "series": _lacking_one(case), "quiet": [fires]} | _pace(case)
    for metric, says in case.get("without", {}).items():
        rest = {name: values for name, values in case["series"].items() if metric_of(name) != metric}
        yield {**case, "name": f"without {metric}", "series": rest, "says": says, "quiet": []}


def _pace(case: Case) -> dict[str, str]:
    return {"interval": case.get("interval", "1m")}


def _lacking_one(case: Case) -> Series:
    """Accounts that lack one metric each, which is no series at all where the alert looks at one alone."""
    needed = dict.fromkeys(map(metric_of, case["series"])).keys() - case.get("without", {}).keys()
    return {
        series_of(name, account=f"without-{metric}"): values
        for metric in sorted(needed)
        for name, values in case["series"].items()
        if metric_of(name) != metric
    }


def metric_of(series: str) -> str:
    """The name without the labels."""
    return series.partition("{")[0]


def series_of(series: str, **defaults: str) -> str:
    """*series* with the labels *defaults*, where it does not have them already."""
    labels = defaults | dict(re.findall(r'(\w+)="([^"]*)"', series))
    if "account" in labels and "instance" in labels:
        labels.setdefault("pod", f"exporter-{labels['instance']}")
    pairs = ",".join(f'{name}="{label}"' for name, label in sorted(labels.items()))
    return f"{metric_of(series)}{{{pairs}}}"


def written(alert: str, case: Case, thresholds: Thresholds = DEFAULTS) -> dict[str, Any]:
    """*case* as a test of promtool, for rules with *thresholds*."""
    interval = case.get("interval", "1m")
    target = {"job": JOB, "instance": "one"} | ({"account": "production"} if ALERTS[alert]["of_account"] else {})
    given = case.get("series", {}).items()
    fires = case.get("fires", [])
    expected: dict[int, list[Any]] = {int(step): [] for step in case.get("quiet", [])}
    for step in [fires] if isinstance(fires, str) else fires:
        expected[int(step)] = [_firing(alert, each, thresholds) for each in case.get("firing", [case])]
    return {
        "name": f"{alert}: {case['name']}",
        "interval": interval,
        "input_series": [{"series": series_of(name, **target), "values": values} for name, values in given],
        "alert_rule_test": [
            {
                "eval_time": f"{step * int(interval[:-1])}{interval[-1]}",
                "alertname": alert,
                "exp_alerts": expected[step],
            }
            for step in sorted(expected)
        ],
    }


# --- what is expected -------------------------------------------------------------------------------------------------


def _number(_query: str, otherwise: str, _shape: str = "") -> str:
    return f"⟦||{otherwise}⟧"


def _listing(_query: str, _label: str, _shape: str, before: str) -> str:
    return f"⟦ {before} |.|⟧"


def _names(_query: str, _label: str, before: str) -> str:
    return f"⟦ {before} |.|⟧"


def _choice(_query: str, yes: str, no: str) -> str:
    return f"⟦{yes}||{no}⟧"


def _unless_above(_most: str, text: str) -> str:
    return f"⟪{text}⟫"


EXPECTED = alerts_of(template(_number, _listing, _choice, _names, _unless_above))
"""The alerts with a gap for each query: what stands before and after its answer, and what instead of one."""


def _firing(alert: str, case: Case, thresholds: Thresholds) -> dict[str, Any]:
    """The alert as it has to come: the texts of its rule with what *case* says in the gaps."""
    own = {"job": JOB} if ALERTS[alert]["of_job"] else {}
    labels = own | ({"account": "production"} if ALERTS[alert]["of_account"] else {}) | case.get("labels", {})
    rule = open_rule(EXPECTED[alert], replicas=thresholds["replicas"] is not None)
    answers = iter(case.get("says", []))

    def answered(gap: re.Match[str]) -> str:
        return gap[3] if (answer := next(answers)) == NOTHING else f"{gap[1]}{answer}{gap[2]}"

    annotations = {}
    for name, annotation in rule["annotations"].items():
        text = re.sub("⟪(.*?)⟫", lambda part: part[1] if case.get("says") else "", filled(annotation, thresholds))
        text = re.sub(r"⟦(.*?)\|(.*?)\|(.*?)⟧", answered, text)
        text = re.sub(r"\{\{ (?:urlquery )?\$labels\.(\w+) \}\}", lambda label: labels[label[1]], text)
        annotations[name] = re.sub(r"\{\{ \$value .*?\}\}", lambda _: case["value"], text)
    if left := list(answers):
        raise ValueError(f"{alert}: no query for {left}")
    return {"exp_labels": {**rule["labels"], **labels}, "exp_annotations": annotations}
