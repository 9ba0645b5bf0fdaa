"""The rules as a whole, and as the file that Prometheus reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from deploy.prometheus.access import access
from deploy.prometheus.alert import Alert, Expression, Record
from deploy.prometheus.exporter import exporter
from deploy.prometheus.hygiene import hygiene
from deploy.prometheus.promql import REPLICA_LABELS, highest
from deploy.prometheus.thresholds import Thresholds
from deploy.prometheus.trust import trust

CONCERNS: Mapping[str, Callable[[Thresholds], Iterator[Alert]]] = {
    "hygiene": hygiene,
    "trust": trust,
    "access": access,
    "exporter": exporter,
}
"""Groups of alerts by the value of their label ``concern``."""

RECORDS = (
    Record(
        "account:scm_csr_reported:max",
        "CSRs of each account, one series however many replicas there are and however often they restart",
        highest("scm_csr_reported"),
    ),
    Record(
        "account_private_key_algo:scm_csrs:max",
        "the same per algorithm",
        highest("scm_csrs"),
    ),
    Record(
        "account:scm_csr_oldest_age_seconds:max",
        "age of the oldest CSR of each account",
        f"max without ({REPLICA_LABELS}, private_key_algo) (scm_csr_oldest_age_seconds)",
    ),
    Record(
        "account:csr_exporter_last_success_timestamp_seconds:max",
        "when each account was last read with success, by any replica",
        highest("csr_exporter_last_success_timestamp_seconds"),
    ),
)
"""What is worth keeping for years, at a sample per account."""

HEADER = "# Written by `make rules` from the code beside it; what the alerts mean is in docs/alerts.md.\n"


def alerts(thresholds: Thresholds) -> Iterator[tuple[str, Alert]]:
    """Each alert with its concern."""
    for concern, of in CONCERNS.items():
        for alert in of(thresholds):
            yield concern, alert


def groups(thresholds: Thresholds) -> dict[str, Any]:
    """The content of the rule file."""
    records = {"name": "csr-exporter.records", "rules": [each.rule() for each in RECORDS]}
    concerned = [
        {"name": f"csr-exporter.{concern}", "rules": [each.rule(concern, thresholds) for each in of(thresholds)]}
        for concern, of in CONCERNS.items()
    ]
    return {"groups": [records, *concerned]}


def text(thresholds: Thresholds) -> str:
    """The rule file."""
    return HEADER + as_yaml(groups(thresholds))


class _Dumper(yaml.SafeDumper):
    """Writes long texts folded and those of several lines as they are."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the signature of the library
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - likewise
        super().increase_indent(flow, indentless=False)


WIDTH = 110


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=">" if len(text) > WIDTH - 10 else None)


def _expression(dumper: yaml.SafeDumper, text: Expression) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Expression, _expression)


def as_yaml(content: object) -> str:
    """*content* as YAML that reads well."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=WIDTH, allow_unicode=True)
