"""Writes docs/metrics.md and docs/configuration.md from the code: ``python docs/reference.py``.

A test fails when the files differ from what this writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from prometheus_client.core import Metric

from csr_exporter.config import Config
from csr_exporter.inventory import Csr, Exchange, Inventory, Service
from csr_exporter.metrics import Exposed, exporter_families, families
from csr_exporter.policy import Owner, Policy, Rule, Rules, Selector, Waiver
from csr_exporter.status import Account, Reloads, Status, Traffic

DOCS = Path(__file__).parent

EXAMPLES = {
    "scm_csrs": "sum by (private_key_algo) (max without (instance, pod) (NAME))",
    "scm_csr_reported": "sum(max without (instance, pod) (NAME))",
    "scm_csr_listed": "max by (account) (scm_csr_reported - NAME) > 0",
    "scm_csr_inventory_complete": "NAME == 0",
    "scm_csrs_by_usage": 'max by (account) (NAME{usage="PERSONAL"})',
    "scm_csr_oldest_create_timestamp_seconds": "min by (account) (NAME)",
    "scm_csr_oldest_age_seconds": "max by (account) (NAME) / 86400",
    "scm_csr_newest_create_timestamp_seconds": "time() - max by (account) (NAME)",
    "scm_csr_newest_age_seconds": "min by (account) (NAME) < 3600",
    "scm_csr_age_distribution_seconds": (
        "histogram_quantile(0.5, sum by (le) (max without (instance, pod) (NAME_bucket)))"
    ),
    "scm_csr_domains": "sum(max without (instance, pod) (NAME))",
    "scm_csr_duplicate_domains": "NAME > 0",
    "scm_csr_wildcard_domains": "NAME / scm_csr_domains",
    "scm_csr_info": 'count by (account) (max by (account, id) (NAME{private_key_algo="RSA_2048"}))',
    "scm_csr_create_timestamp_seconds": "topk(10, time() - max by (account, id, name) (NAME))",
    "scm_csr_update_timestamp_seconds": "NAME > scm_csr_create_timestamp_seconds",
    "scm_csr_age_seconds": (
        "(max by (account, id) (NAME) > 365 * 86400)"
        " * on (account, id) group_left (domain_name) max by (account, id, domain_name) (scm_csr_info)"
    ),
    "scm_csr_sans": "max by (account) (NAME)",
    "scm_csr_added_total": "max by (account) (increase(NAME[1d]))",
    "scm_csr_removed_total": "max by (account) (increase(NAME[1h])) > 0",
    "scm_csr_renamed_total": "max by (account) (increase(NAME[1d]))",
    "scm_csr_limit": "scm_csr_reported / NAME > 0.8",
    "scm_csr_up": "NAME == 0",
    "csr_exporter_last_poll_timestamp_seconds": "time() - NAME",
    "csr_exporter_last_success_timestamp_seconds": "time() - NAME > 3 * csr_exporter_poll_interval_seconds",
    "csr_exporter_last_poll_duration_seconds": "NAME / csr_exporter_poll_interval_seconds > 0.5",
    "csr_exporter_poll_interval_seconds": "count by (account) (NAME)",
    "csr_exporter_polls_total": "rate(NAME[1h]) * csr_exporter_poll_interval_seconds",
    "csr_exporter_poll_failures_total": "sum by (account, reason) (increase(NAME[1h])) > 0",
    "csr_exporter_api_requests_total": "sum by (account) (increase(NAME[1d]))",
    "csr_exporter_api_request_duration_seconds": "histogram_quantile(0.95, sum by (le) (rate(NAME_bucket[30m])))",
    "csr_exporter_api_retries_total": "sum by (account, reason) (rate(NAME[1h]))",
    "csr_exporter_credential_expiry_timestamp_seconds": "NAME - time() < 3600",
    "csr_exporter_credential_renewals_total": "increase(NAME[1d])",
    "csr_exporter_clock_skew_seconds": "abs(NAME) > 60",
    "csr_exporter_records_rejected_total": "sum by (account, reason) (increase(NAME[1h]))",
    "csr_exporter_torn_walks_total": "increase(NAME[1h]) > 5",
    "csr_exporter_offset_mode_info": "count by (mode) (NAME)",
    "csr_exporter_series_dropped": "NAME > 0",
    "csr_exporter_build_info": "count by (version) (NAME)",
    "csr_exporter_config_last_reload_successful": "NAME == 0",
    "csr_exporter_config_last_reload_success_timestamp_seconds": "time() - NAME",
    "csr_exporter_config_hash_info": "count(count by (hash) (NAME)) > 1",
    "csr_exporter_configured_accounts": "max(NAME) > count(count by (account) (csr_exporter_poll_interval_seconds))",
    "csr_exporter_storage_failures_total": "increase(NAME[1h]) > 0",
    "scm_csrs_by_owner": "sum by (owner) (max without (instance, pod) (NAME))",
    "scm_csr_policy_violations": "max by (account, rule, owner) (NAME) > 0",
    "scm_csr_policy_waived": "sum by (rule) (max without (instance, pod) (NAME))",
    "scm_csr_waiver_matches": (
        "max by (account, waiver) (NAME) and on (waiver) (csr_exporter_waiver_expiry_timestamp_seconds < time())"
    ),
    "scm_csr_violation": 'max by (account, id, name, rule) (NAME{owner="payments"})',
    "csr_exporter_waiver_expiry_timestamp_seconds": "NAME - time() < 14 * 86400",
    "csr_exporter_shard_info": "count by (shard, shards) (NAME)",
}
"""A query for each family. NAME is the name of its samples, without the suffixes of a histogram."""

EXPERIMENTAL = {
    "scm_csr_age_distribution_seconds",
    "csr_exporter_offset_mode_info",
    "csr_exporter_config_hash_info",
    "csr_exporter_shard_info",
    "scm_csr_waiver_matches",
}

HEADINGS = {
    "Config": "Top level",
    "AccountConfig": "`accounts`: each entry",
    "PerCsrConfig": "`per_csr`",
    "OwnerConfig": "`owners`: each entry",
    "PolicyConfig": "`policy`",
    "WaiverConfig": "`waivers`: each entry",
    "Scope": "`credentials.scope`",
}
TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
DURATION = r"^(?=\d)"
"""How the pattern of a duration starts in the schema, and no other."""


EXAMPLE_POLICY = Policy(
    owners=(Owner("payments", Selector()),),
    rules=Rules(max_age=1.0, allowed_algorithms=frozenset({"EC_P256"})),
    waivers=(Waiver("PKI-42", Rule.MAX_AGE, Selector(), until=3.0),),
)
"""A CSR of SM2 breaks both rules, and is excused from one."""


def exposed_families() -> list[Metric]:
    """Every family, with a sample of each shape."""
    csr = Csr("1", algorithm="SM2", usage="PERSONAL", created_at=1.0, updated_at=1.0)
    inventory = Inventory((csr,), 1, {"SM2": 1}, complete=True)
    status = Status(Account("production", limit=500), traffic=Traffic().after(Exchange(Service.SCM, "200", 0.1, 0.0)))
    status = replace(status.after_success(inventory, 1.0, 0.1), credential_expires_at=1.0, credential_renewals=0)
    exposed = Exposed(policy=EXAMPLE_POLICY)
    own = exporter_families(Reloads("", 0.0), storage_failures=0, waivers=EXAMPLE_POLICY.waivers)
    return [*families([status], exposed, now=2.0), *own]


def sample_name(family: Metric) -> str:
    """The name to query: with ``_total`` or ``_info``, without the suffixes of a histogram."""
    return family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")


def metrics_page() -> Iterator[str]:
    """The page of metrics, line by line."""
    yield from (DOCS / "metrics.head.md").read_text(encoding="utf-8").splitlines()
    for family in exposed_families():
        name = sample_name(family)
        labels = ", ".join(
            f"`{label}`" for label in sorted({each for sample in family.samples for each in sample.labels})
        )
        stability = "experimental" if name in EXPERIMENTAL else "stable"
        yield from ("", f"### `{name}`", "", family.documentation, "")
        yield f"{family.type} · labels: {labels or 'none'} · {stability}"
        yield from ("", "```promql", EXAMPLES[name].replace("NAME", name), "```")


def configuration_page() -> Iterator[str]:
    """The page of settings, line by line."""
    yield from (DOCS / "configuration.head.md").read_text(encoding="utf-8").splitlines()
    schema = Config.model_json_schema()
    for title, definition in {"Config": schema, **schema["$defs"]}.items():
        settings = dict(definition["properties"])
        kind = settings.pop("kind", {}).get("const")
        heading = f"`credentials` of kind `{kind}`" if kind else HEADINGS[title]
        yield from ("", f"## {heading}", "", definition["description"])
        if settings:
            yield from ("", "| setting | expected | default | |", "| --- | --- | --- | --- |")
        for name, each in settings.items():
            default = "required" if name in definition.get("required", ()) else _default(each.get("default"))
            yield f"| `{name}` | {_expected(each)} | {default} | {each['description']} |"


def _expected(setting: dict[str, Any]) -> str:
    match setting:
        case {"anyOf": choices}:
            return " or ".join(_expected(each) for each in choices if each.get("type") != "null")
        case {"enum": values}:
            return ", ".join(f"`{each}`" for each in values)
        case {"pattern": str(pattern)} if pattern.startswith(DURATION):
            return "duration"
        case {"type": "array", "items": items}:
            return f"list of {_expected(items)}"
        case {"format": "date"}:
            return "day"
        case _:
            return TYPES.get(setting.get("type", ""), "mapping")


def _default(value: object) -> str:
    match value:
        case None | dict():
            return ""
        case list(values):
            return ", ".join(map(_default, values))
        case bool():
            return f"`{str(value).lower()}`"
        case _:
            return f"`{value}`"


PAGES = {"metrics.md": metrics_page, "configuration.md": configuration_page}

if __name__ == "__main__":
    for file, lines in PAGES.items():
        (DOCS / file).write_text("\n".join(lines()) + "\n", encoding="utf-8")
