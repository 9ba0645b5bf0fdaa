"""How the exporter knows: polls, requests, credentials, and what was wrong with the replies."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.utils import floatToGoString

from csr_exporter import __version__, revision
from csr_exporter.metrics.shape import Named, counter, gauge, labelled
from csr_exporter.status import LATENCY_BUCKETS, Reloads, Status


def status_families(statuses: Sequence[Named[Status]]) -> Iterator[Metric]:
    """Families that stay as long as the account is configured."""
    yield from _churn(statuses)
    yield from _polls(statuses)
    yield from _requests(statuses)
    yield from _credentials(statuses)
    yield from _records(statuses)


def _churn(statuses: Sequence[Named[Status]]) -> Iterator[Metric]:
    between = "from one complete inventory to the next"
    yield counter("scm_csr_added", f"CSRs that were new {between}.", statuses, lambda s: s.churn.added)
    yield counter("scm_csr_removed", f"CSRs that were gone {between}.", statuses, lambda s: s.churn.removed)
    yield counter("scm_csr_renamed", f"CSRs that had another name {between}.", statuses, lambda s: s.churn.renamed)


def _polls(statuses: Sequence[Named[Status]]) -> Iterator[Metric]:
    prefix = "csr_exporter_last"
    limit = "CSRs that the account should hold at most, as configured."
    yield gauge("scm_csr_limit", limit, statuses, lambda s: s.account.limit)
    yield gauge("scm_csr_up", "1 if the last poll of the CSR list succeeded, else 0.", statuses, lambda s: s.up)
    ended = "When the last poll ended, in Unix seconds."
    yield gauge(f"{prefix}_poll_timestamp_seconds", ended, statuses, lambda s: s.last_poll)
    succeeded = "When the last successful poll ended, in Unix seconds."
    yield gauge(f"{prefix}_success_timestamp_seconds", succeeded, statuses, lambda s: s.last_success)
    yield gauge(f"{prefix}_poll_duration_seconds", "How long the last poll took.", statuses, lambda s: s.last_duration)
    interval = "Time between two polls, as configured; polls run in the background, not when scraped."
    yield gauge("csr_exporter_poll_interval_seconds", interval, statuses, lambda s: s.account.poll_interval)
    yield counter("csr_exporter_polls", "Polls, whatever their result.", statuses, lambda s: s.polls)
    failures = CounterMetricFamily("csr_exporter_poll_failures", "Polls that failed.", labels=["account", "reason"])
    yield labelled(failures, statuses, lambda s: s.failures.items())


def _requests(statuses: Sequence[Named[Status]]) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "csr_exporter_api_requests",
        "Requests sent, retries too, by HTTP status or 'error'.",
        labels=["account", "service", "code"],
    )
    latency = HistogramMetricFamily(
        "csr_exporter_api_request_duration_seconds",
        "Time from sending a request to the last byte of its reply.",
        labels=["account", "service"],
    )
    retries = CounterMetricFamily(
        "csr_exporter_api_retries",
        "Requests sent again within a poll, by reason.",
        labels=["account", "service", "reason"],
    )
    bounds = [*map(floatToGoString, LATENCY_BUCKETS), "+Inf"]
    for name, status in statuses:
        for (service, code), count in status.traffic.requests.items():
            requests.add_metric([name, service, code], count)
        for service, each in status.traffic.latency.items():
            latency.add_metric([name, service], list(zip(bounds, accumulate(each.counts), strict=True)), each.seconds)
        for (service, reason), count in status.traffic.retries.items():
            retries.add_metric([name, service, reason], count)
    yield from (requests, latency, retries)


def _credentials(statuses: Sequence[Named[Status]]) -> Iterator[Metric]:
    yield gauge(
        "csr_exporter_credential_expiry_timestamp_seconds",
        "When the token or temporary key in use expires, in Unix seconds.",
        statuses,
        lambda s: s.credential_expires_at,
    )
    yield counter(
        "csr_exporter_credential_renewals",
        "Tokens or temporary keys obtained to replace an earlier one.",
        statuses,
        lambda s: s.credential_renewals,
    )
    yield gauge(
        "csr_exporter_clock_skew_seconds",
        "Clock of the service minus ours, from header Date, which has whole seconds.",
        statuses,
        lambda s: s.traffic.clock_skew,
    )


def _records(statuses: Sequence[Named[Status]]) -> Iterator[Metric]:
    text = "Records of replies that were dropped or lost a field, each time they were read."
    rejected = CounterMetricFamily("csr_exporter_records_rejected", text, labels=["account", "reason"])
    yield labelled(rejected, statuses, lambda s: s.rejected.items())
    torn = "Times that the list changed while it was read."
    yield counter("csr_exporter_torn_walks", torn, statuses, lambda s: s.torn_walks)
    found = "What the service was found to mean by offset; always 1."
    mode = InfoMetricFamily("csr_exporter_offset_mode", found, labels=["account"])
    for name, status in statuses:
        mode.add_metric([name], {"mode": status.offset_mode})
    yield mode


def exporter_families(reloads: Reloads) -> Iterator[Metric]:
    """Families of the exporter as a whole."""
    build = InfoMetricFamily("csr_exporter_build", "The exporter that is running; always 1.")
    build.add_metric(
        [],
        {
            "version": __version__,
            "revision": revision(),
            "python_version": platform.python_version(),
        },
    )
    yield build
    yield GaugeMetricFamily(
        "csr_exporter_config_last_reload_successful",
        "1 if the configuration could be read the last time it was, else 0.",
        value=reloads.successful,
    )
    yield GaugeMetricFamily(
        "csr_exporter_config_last_reload_success_timestamp_seconds",
        "When the configuration in force was read, in Unix seconds.",
        value=reloads.succeeded_at,
    )
    config = InfoMetricFamily("csr_exporter_config_hash", "Hash of the configuration in force; always 1.")
    config.add_metric([], {"hash": reloads.config_hash})
    yield config
    yield GaugeMetricFamily(
        "csr_exporter_configured_accounts",
        "Accounts in the configuration in force, those of other shards too.",
        value=reloads.accounts,
    )
    shard = InfoMetricFamily("csr_exporter_shard", "The shard whose accounts this process polls, from 0; always 1.")
    shard.add_metric([], {"shard": str(reloads.shard), "shards": str(reloads.shards)})
    yield shard
