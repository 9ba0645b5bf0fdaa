"""How the exporter knows: polls, requests, credentials, and what was wrong with the replies."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from csr_exporter import __version__, revision
from csr_exporter.metrics.family import counter, gauge, info
from csr_exporter.metrics.per_csr import Exposed, dropped
from csr_exporter.policy import Waiver
from csr_exporter.status import LATENCY_BUCKETS, Reloads, Status, Traffic


def status_families(status: Status, exposed: Exposed) -> Iterator[Metric]:
    """The families that stay as long as the account is configured."""
    account = status.account.name
    yield from _polls(account, status)
    yield from _requests(account, status.traffic)
    yield from _credentials(account, status)
    text = "Records dropped, or stripped of a field, because they were malformed; counted each time they are read."
    yield counter("csr_exporter_records_rejected", text, account, status.rejected, "reason")
    text = "Times the list changed while it was being read."
    yield counter("csr_exporter_torn_walks", text, account, status.torn_walks)
    text = "What the API parameter offset was found to count"
    yield info("csr_exporter_offset_mode", text, {"account": account, "mode": status.offset_mode})
    text = "CSRs without series of their own because of max_series."
    yield gauge("csr_exporter_series_dropped", text, account, dropped(status.snapshot, exposed))


def _polls(account: str, status: Status) -> Iterator[Metric]:
    text = "CSRs {} between two complete inventories."
    yield counter("scm_csr_added", text.format("added"), account, status.churn.added)
    yield counter("scm_csr_removed", text.format("removed"), account, status.churn.removed)
    yield counter("scm_csr_renamed", text.format("renamed"), account, status.churn.renamed)
    text = "Most CSRs the account should hold, as configured."
    yield gauge("scm_csr_limit", text, account, status.account.limit)
    yield gauge("scm_csr_up", "1 if the last poll of the CSR list succeeded, else 0.", account, status.up)
    last = "csr_exporter_last"
    text = "When the last poll ended, in Unix seconds."
    yield gauge(f"{last}_poll_timestamp_seconds", text, account, status.last_poll)
    text = "When the last successful poll ended, in Unix seconds."
    yield gauge(f"{last}_success_timestamp_seconds", text, account, status.last_success)
    yield gauge(f"{last}_poll_duration_seconds", "How long the last poll took.", account, status.last_duration)
    text = "Configured time between polls; polls run in the background, not when scraped."
    yield gauge("csr_exporter_poll_interval_seconds", text, account, status.account.poll_interval)
    yield counter("csr_exporter_polls", "Polls, successful or not.", account, status.polls)
    yield counter("csr_exporter_poll_failures", "Failed polls, by reason.", account, status.failures, "reason")


def _requests(account: str, traffic: Traffic) -> Iterator[Metric]:
    text = "Requests sent, including retries, by HTTP status, or 'error' if there was none."
    yield counter("csr_exporter_api_requests", text, account, traffic.requests, "service", "code")
    latency = HistogramMetricFamily(
        "csr_exporter_api_request_duration_seconds",
        "Time from sending a request to the last byte of its reply.",
        labels=["account", "service"],
    )
    bounds = [*map(floatToGoString, LATENCY_BUCKETS), "+Inf"]
    for service, each in traffic.latency.items():
        buckets = list(zip(bounds, accumulate(each.counts), strict=True))
        latency.add_metric([account, service], buckets, each.seconds)
    yield latency
    text = "Requests repeated within a poll, by reason."
    yield counter("csr_exporter_api_retries", text, account, traffic.retries, "service", "reason")


def _credentials(account: str, status: Status) -> Iterator[Metric]:
    text = "When the token or temporary key in use expires, in Unix seconds."
    yield gauge("csr_exporter_credential_expiry_timestamp_seconds", text, account, status.credential_expires_at)
    text = "Tokens or temporary keys obtained to replace an earlier one."
    yield counter("csr_exporter_credential_renewals", text, account, status.credential_renewals)
    text = "Clock of the service minus ours, from the Date header, which has whole seconds."
    yield gauge("csr_exporter_clock_skew_seconds", text, account, status.traffic.clock_skew)


def exporter_families(
    reloads: Reloads, storage_failures: int | None = None, waivers: Iterable[Waiver] = ()
) -> Iterator[Metric]:
    """Families of the exporter as a whole; *storage_failures* is None without storage."""
    build = {
        "version": __version__,
        "revision": revision(),
        "python_version": platform.python_version(),
    }
    yield info("csr_exporter_build", "The running exporter", build)
    text = "1 if the configuration was valid when last read, else 0."
    yield GaugeMetricFamily("csr_exporter_config_last_reload_successful", text, reloads.successful)
    text = "When the configuration in force was read, in Unix seconds."
    yield GaugeMetricFamily("csr_exporter_config_last_reload_success_timestamp_seconds", text, reloads.succeeded_at)
    yield info("csr_exporter_config_hash", "Hash of the configuration in force", {"hash": reloads.config_hash})
    text = "Accounts in the configuration in force, including those of other shards."
    yield GaugeMetricFamily("csr_exporter_configured_accounts", text, reloads.accounts)
    shard = {"shard": str(reloads.shard), "shards": str(reloads.shards)}
    yield info("csr_exporter_shard", "The shard whose accounts this process polls, counted from 0", shard)
    text = "Times the journal in --storage.path could not be read or written; only with that flag."
    failures = CounterMetricFamily("csr_exporter_storage_failures", text)
    if storage_failures is not None:
        failures.add_metric([], storage_failures)
    yield failures
    text = "When the waiver ends, or ended, in Unix seconds."
    ends = GaugeMetricFamily("csr_exporter_waiver_expiry_timestamp_seconds", text, labels=["waiver", "rule"])
    for waiver in waivers:
        ends.add_metric([waiver.name, waiver.rule], waiver.until)
    yield ends
