"""Writes docs/metrics.md and docs/configuration.md from the code: ``python docs/reference.py``.

A test holds that the files are what this writes, so they cannot tell anything but the truth.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from prometheus_client.core import Metric

from csr_exporter.config import Config
from csr_exporter.inventory import Csr, Exchange, Inventory, Service, Snapshot
from csr_exporter.metrics import Exposed, exporter_families, families
from csr_exporter.status import Account, Reloads, Status, Traffic

DOCS = Path(__file__).parent

EXAMPLES: dict[str, str] = {
    "scm_csrs": "sum by (private_key_algo) (max without (instance, pod) (scm_csrs))",
    "scm_csr_reported": "sum(max without (instance, pod) (scm_csr_reported))",
    "scm_csr_listed": "max by (account) (scm_csr_reported - scm_csr_listed) > 0",
    "scm_csr_inventory_complete": "scm_csr_inventory_complete == 0",
    "scm_csrs_by_usage": 'max by (account) (scm_csrs_by_usage{usage="PERSONAL"})',
    "scm_csr_oldest_create_timestamp_seconds": "min by (account) (scm_csr_oldest_create_timestamp_seconds)",
    "scm_csr_oldest_age_seconds": "max by (account) (scm_csr_oldest_age_seconds) / 86400",
    "scm_csr_newest_create_timestamp_seconds": "time() - max by (account) (scm_csr_newest_create_timestamp_seconds)",
    "scm_csr_newest_age_seconds": "min by (account) (scm_csr_newest_age_seconds) < 3600",
    "scm_csr_age_distribution_seconds": (
        "histogram_quantile(0.5, sum by (le) (max without (instance, pod) (scm_csr_age_distribution_seconds_bucket)))"
    ),
    "scm_csr_domains": "sum(max without (instance, pod) (scm_csr_domains))",
    "scm_csr_duplicate_domains": "scm_csr_duplicate_domains > 0",
    "scm_csr_wildcard_domains": "scm_csr_wildcard_domains / scm_csr_domains",
    "scm_csr_info": 'count by (account) (max by (account, id) (scm_csr_info{private_key_algo="RSA_2048"}))',
    "scm_csr_create_timestamp_seconds": (
        "topk(10, time() - max by (account, id, name) (scm_csr_create_timestamp_seconds))"
    ),
    "scm_csr_update_timestamp_seconds": "scm_csr_update_timestamp_seconds > scm_csr_create_timestamp_seconds",
    "scm_csr_age_seconds": (
        "(max by (account, id) (scm_csr_age_seconds) > 365 * 86400)"
        " * on (account, id) group_left (domain_name) max by (account, id, domain_name) (scm_csr_info)"
    ),
    "scm_csr_sans": "max by (account) (scm_csr_sans)",
    "scm_csr_added_total": "max by (account) (increase(scm_csr_added_total[1d]))",
    "scm_csr_removed_total": "max by (account) (increase(scm_csr_removed_total[1h])) > 0",
    "scm_csr_renamed_total": "max by (account) (increase(scm_csr_renamed_total[1d]))",
    "scm_csr_limit": "scm_csr_reported / scm_csr_limit > 0.8",
    "scm_csr_up": "scm_csr_up == 0",
    "csr_exporter_last_poll_timestamp_seconds": "time() - csr_exporter_last_poll_timestamp_seconds",
    "csr_exporter_last_success_timestamp_seconds": (
        "time() - csr_exporter_last_success_timestamp_seconds > 3 * csr_exporter_poll_interval_seconds"
    ),
    "csr_exporter_last_poll_duration_seconds": (
        "csr_exporter_last_poll_duration_seconds / csr_exporter_poll_interval_seconds > 0.5"
    ),
    "csr_exporter_poll_interval_seconds": "count by (account) (csr_exporter_poll_interval_seconds)",
    "csr_exporter_polls_total": "rate(csr_exporter_polls_total[1h]) * csr_exporter_poll_interval_seconds",
    "csr_exporter_poll_failures_total": "sum by (account, reason) (increase(csr_exporter_poll_failures_total[1h])) > 0",
    "csr_exporter_api_requests_total": "sum by (account) (increase(csr_exporter_api_requests_total[1d]))",
    "csr_exporter_api_request_duration_seconds": (
        "histogram_quantile(0.95, sum by (le) (rate(csr_exporter_api_request_duration_seconds_bucket[30m])))"
    ),
    "csr_exporter_api_retries_total": "sum by (account, reason) (rate(csr_exporter_api_retries_total[1h]))",
    "csr_exporter_credential_expiry_timestamp_seconds": (
        "csr_exporter_credential_expiry_timestamp_seconds - time() < 3600"
    ),
    "csr_exporter_credential_renewals_total": "increase(csr_exporter_credential_renewals_total[1d])",
    "csr_exporter_clock_skew_seconds": "abs(csr_exporter_clock_skew_seconds) > 60",
    "csr_exporter_records_rejected_total": (
        "sum by (account, reason) (increase(csr_exporter_records_rejected_total[1h]))"
    ),
    "csr_exporter_torn_walks_total": "increase(csr_exporter_torn_walks_total[1h]) > 5",
    "csr_exporter_offset_mode_info": "count by (mode) (csr_exporter_offset_mode_info)",
    "csr_exporter_series_dropped": "csr_exporter_series_dropped > 0",
    "csr_exporter_build_info": "count by (version) (csr_exporter_build_info)",
    "csr_exporter_config_last_reload_successful": "csr_exporter_config_last_reload_successful == 0",
    "csr_exporter_config_last_reload_success_timestamp_seconds": (
        "time() - csr_exporter_config_last_reload_success_timestamp_seconds"
    ),
    "csr_exporter_config_hash_info": "count(count by (hash) (csr_exporter_config_hash_info)) > 1",
    "csr_exporter_configured_accounts": (
        "max(csr_exporter_configured_accounts) > count(count by (account) (csr_exporter_poll_interval_seconds))"
    ),
    "csr_exporter_shard_info": "count by (shard, shards) (csr_exporter_shard_info)",
}
"""A query for each family, by the name that its samples have but for the suffixes of histograms."""

EXPERIMENTAL = {
    "scm_csr_age_distribution_seconds",
    "csr_exporter_offset_mode_info",
    "csr_exporter_config_hash_info",
    "csr_exporter_shard_info",
}


def exposed_families() -> list[Metric]:
    """Every family, with a sample of each shape."""
    csr = Csr("1", "shop", "shop.example", ("www.shop.example",), "SM2", "PERSONAL", created_at=1.0, updated_at=1.0)
    snapshot = Snapshot.of(Inventory((csr,), 1, {"SM2": 1}, complete=True), taken_at=1.0)
    status = Status(Account("production", limit=500), traffic=Traffic().after(Exchange(Service.SCM, "200", 0.1, 0.0)))
    status = replace(status.after_success(snapshot, 0.1), credential_expires_at=1.0, credential_renewals=0)
    return [*families([status], Exposed(), now=2.0), *exporter_families(Reloads("", 0.0))]


def sample_name(family: Metric) -> str:
    """The name a reader queries: with ``_total`` or ``_info``, without the suffixes of a histogram."""
    suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
    return f"{family.name}{suffix}"


def metrics_page() -> Iterator[str]:
    """The page of metrics, line by line."""
    yield from (DOCS / "metrics.head.md").read_text(encoding="utf-8").splitlines()
    for family in exposed_families():
        name = sample_name(family)
        labels = sorted({label for sample in family.samples for label in sample.labels})
        stability = "experimental" if name in EXPERIMENTAL else "stable"
        yield from ("", f"### `{name}`", "", family.documentation, "")
        yield f"{family.type} · labels: {', '.join(f'`{label}`' for label in labels) or 'none'} · {stability}"
        yield from ("", "```promql", EXAMPLES[name], "```")


def configuration_page() -> Iterator[str]:
    """The page of settings, line by line."""
    yield from (DOCS / "configuration.head.md").read_text(encoding="utf-8").splitlines()
    schema = Config.model_json_schema()
    yield from _settings("Top level", schema)
    for title, definition in schema["$defs"].items():
        yield from _settings(_heading(title, definition), definition)


def _heading(title: str, definition: dict[str, Any]) -> str:
    kind = definition["properties"].get("kind", {}).get("const")
    names = {"AccountConfig": "`accounts`: each entry", "PerCsrConfig": "`per_csr`", "Scope": "`credentials.scope`"}
    return f"`credentials` of kind `{kind}`" if kind else names[title]


def _settings(heading: str, definition: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"## {heading}", "", definition["description"])
    settings = {name: each for name, each in definition["properties"].items() if name != "kind"}
    if settings:
        yield from ("", "| setting | expected | default | |", "| --- | --- | --- | --- |")
    for name, each in settings.items():
        yield f"| `{name}` | {_expected(each)} | {_default(name, each, definition)} | {each['description']} |"


def _expected(setting: dict[str, Any]) -> str:
    if "anyOf" in setting:
        return " or ".join(_expected(each) for each in setting["anyOf"] if each.get("type") != "null")
    if "enum" in setting:
        return ", ".join(f"`{each}`" for each in setting["enum"])
    if "pattern" in setting and setting["pattern"].startswith("^(?=\\d)"):
        return "duration"
    if setting.get("type") == "array":
        return f"list of {_expected(setting['items'])}"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return words.get(str(setting.get("type")), "mapping")


def _default(name: str, setting: dict[str, Any], definition: dict[str, Any]) -> str:
    if name in definition.get("required", ()):
        return "required"
    match setting.get("default"):
        case None:
            return ""
        case list(values):
            return ", ".join(f"`{each}`" for each in values)
        case bool(value):
            return f"`{str(value).lower()}`"
        case dict():
            return ""
        case value:
            return f"`{value}`"


PAGES = {"metrics.md": metrics_page, "configuration.md": configuration_page}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text("\n".join(page()) + "\n", encoding="utf-8")
        sys.stdout.write(f"wrote {name}\n")


if __name__ == "__main__":
    main()
