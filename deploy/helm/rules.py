"""The rules as the chart holds them: each threshold a token that the template fills in with the user's number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from prometheus_client.utils import floatToGoString

from deploy.prometheus import rules
from deploy.prometheus.open import Open, token
from deploy.prometheus.promql import duration
from deploy.prometheus.thresholds import DOCUMENTED_ALGORITHMS, Thresholds

REPLICAS = "replicas"
"""The one threshold that may be missing, and whose presence changes a rule."""

BOUNDS = ("old_after", "very_old_after")
"""Ages that also stand in a rule as a bound of a bucket, which the client library has its own way of writing."""

LIST = token("allowed_algorithms", "list")


def thresholds() -> Mapping[str, Field[Any]]:
    """Those that can be set."""
    return {each.name: each for each in fields(Thresholds) if each.metadata}


def defaults() -> dict[str, Any]:
    """The thresholds that have a default, with it: durations as Prometheus writes them."""
    given: dict[str, Any] = {name: each.default for name, each in thresholds().items() if name != REPLICAS}
    return {name: duration(value) if is_span(name) else value for name, value in given.items()}


def is_span(name: str) -> bool:
    """Whether the threshold *name* is a duration."""
    return "span" in thresholds()[name].metadata


def facts() -> str:
    """The groups of rules, the rules that differ where `REPLICAS` is given, and the defaults, as JSON."""
    usual, counted = _groups(**{REPLICAS: None}), _groups(**{REPLICAS: token(REPLICAS, "%.0f")})
    pairs = zip(usual, counted, strict=True)
    rules_of_both = [pair for group, other in pairs for pair in zip(group["rules"], other["rules"], strict=True)]
    differing = {rule["alert"]: rule for original, rule in rules_of_both if rule != original}
    content = {
        "groups": usual,
        "with_replicas": differing,
        "defaults": defaults(),
        "documented_algorithms": DOCUMENTED_ALGORITHMS,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _groups(**others: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - text in the place of a number
    given = {name: each.default for name, each in thresholds().items()}
    numbers: dict[str, Any] = {
        name: Open.of(name, value) for name, value in given.items() if isinstance(value, float | int)
    }
    texts: dict[str, Any] = {"exporter_jobs": token("exporter_jobs", "text"), "allowed_algorithms": (LIST,), **others}
    groups = rules.groups(Thresholds(**numbers, **texts))["groups"]
    return [{"name": group["name"], "rules": [_opened(rule) for rule in group["rules"]]} for group in groups]


def _opened(rule: dict[str, Any]) -> dict[str, Any]:
    """*rule*, its expression and annotations with tokens too where code made plain text of a number or of a list."""
    others = f"{DOCUMENTED_ALGORITHMS[-1]}|{LIST}"
    expression = str(rule["expr"]).replace(others, DOCUMENTED_ALGORITHMS[-1] + token("allowed_algorithms", "others"))
    opened = {**rule, "expr": expression.replace(LIST, token("allowed_algorithms", "either"))}
    if "annotations" in rule:
        opened["annotations"] = {name: _bounds(text) for name, text in rule["annotations"].items()}
    return opened


def _bounds(text: str) -> str:
    ages = (getattr(Thresholds(), name) for name in BOUNDS)
    for name, written in zip(BOUNDS, map(floatToGoString, ages), strict=True):
        text = text.replace(f'le="{written}"', f'le="{token(name, "bound")}"')
    return text
