"""Whether the exporter works: polls, requests, credentials, and the processes themselves."""

from __future__ import annotations

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from grafana.board import Board
from grafana.columns import COLOURED_TEXT, account, moment, named, shaded, state, waited
from grafana.panels import Column, Query, Text, counts, limited, lines, listing, tile, trend, without_zeros
from grafana.queries import (
    ACCOUNT,
    DATA_AGE_IN_INTERVALS,
    NEVER,
    REPORTED,
    STATE,
    data_age,
    done,
    exporter,
    held,
    series,
    total,
)
from grafana.style import (
    BAD,
    CALM,
    CODES,
    COUNT,
    DASH,
    GOOD,
    MISSED_POLLS,
    NONE_IS_GOOD,
    NONE_OR_BAD,
    QUIET,
    REASONS,
    WARNING,
    fixed,
    limits,
    painted,
    words,
)

NOT_POLLED = "No account is polled"
TOO_SOON = "Nothing counted yet, which takes some minutes"
FAILED = 'code!~"2.."'

UPTIME = limits(BAD, (0.95, WARNING), (0.99, GOOD))

MODES = {
    "record": ("records", GOOD),
    "page": ("pages from 0", GOOD),
    "page1": ("pages from 1", GOOD),
    "ignored": ("nothing", WARNING),
    "untested": ("not tested", QUIET),
}
"""What the service means by offset, in words."""

_MODE = "csr_exporter_offset_mode_info"
_FOUND_OUT = series(_MODE, 'mode!="untested"')
_OFFSET_MODE = f"topk by (job, account) (1, max by (job, account, mode) ({_FOUND_OUT} * 2 or {series(_MODE)}))"
"""One for each account, although not every replica may have found out yet."""


def board() -> Board:
    """The dashboard."""
    made = Board(
        "scm-csr-exporter",
        "CSR exporter",
        "Whether the CSR exporter works: polls, requests to the cloud, credentials, and the process itself.",
        "now-24h",
    )
    made.band(4, (4, _failing()), (4, _worst()), (4, _failed()), (4, _errors()), (4, _latency_now()), (4, _running()))
    made.band(12, (24, _accounts()))
    made.band(8, (8, _data_age()), (8, _polls()), (8, _duration()))
    made.row("Requests to the cloud")
    made.band(8, (8, _requests()), (8, _latency()), (8, _retries()))
    made.row("Completeness and credentials")
    made.band(8, (8, _trouble()), (8, _credentials()), (8, _skew()))
    made.row("The exporters")
    made.band(7, (19, _exporters()), (5, _shards()))
    made.band(8, (8, _memory()), (8, _cpu()), (8, _scrapes()))
    return made


# --- at a glance ------------------------------------------------------------------------------------------------------


def _failing() -> stat.Panel:
    text = Text("Failing accounts", "Accounts whose last poll failed on every replica (scm_csr_up).", NOT_POLLED)
    up = held("scm_csr_up")
    none = words({"0": ("none", GOOD)})
    return trend(text, f"count({up} == 0) or count({up}) * 0", colours=NONE_OR_BAD, meanings=[none], filled=True)


def _worst() -> stat.Panel:
    text = Text(
        "Data age",
        "Time since the last successful poll of the account that has waited longest, in poll intervals "
        "(csr_exporter_last_success_timestamp_seconds, csr_exporter_poll_interval_seconds); never if a poll has not "
        "succeeded since the exporters started. Up to 1 is normal; orange from 1.5, red from 3.",
        NOT_POLLED,
    )
    never = words({"-1": ("never", BAD)})
    worst = f"{NEVER} or max({DATA_AGE_IN_INTERVALS})"
    return trend(text, worst, "suffix:polls", colours=MISSED_POLLS, meanings=[never], decimals=1)


def _failed() -> stat.Panel:
    text = Text(
        "Failed polls",
        "Polls of all replicas that failed in the time range (csr_exporter_poll_failures_total).",
        TOO_SOON,
    )
    query = Query(done("csr_exporter_poll_failures_total", window="$__range"), kind="instant")
    return tile(text, query, COUNT, colours=NONE_IS_GOOD)


def _errors() -> stat.Panel:
    text = Text(
        "HTTP errors",
        "Share of requests in the time range without a 2xx status (csr_exporter_api_requests_total). A poll may still "
        "succeed, because it retries.",
        TOO_SOON,
    )
    failed, sent = (
        done("csr_exporter_api_requests_total", *matchers, window="$__range") for matchers in ((FAILED,), ())
    )
    query = Query(f"{failed} / ({sent} > 0)", kind="instant")
    return tile(text, query, "percentunit", colours=limits(GOOD, (0.01, WARNING), (0.1, BAD)), decimals=1)


def _latency_now() -> stat.Panel:
    text = Text(
        "p95 latency",
        "95th percentile of the time from sending a request to SCM to the last byte of its reply, over the time range "
        "(csr_exporter_api_request_duration_seconds).",
        TOO_SOON,
    )
    query = Query(_quantile("0.95", "$__range"), kind="instant")
    return tile(text, query, "s", colours=limits(CALM, (2.5, WARNING), (10, BAD)), decimals=1)


def _quantile(which: str, window: str = "$__rate_interval") -> str:
    """The quantile of the latency of SCM, absent while there are no requests."""
    buckets = done("csr_exporter_api_request_duration_seconds_bucket", 'service="scm"', window=window, by=("le",))
    return f"histogram_quantile({which}, {buckets}) >= 0"


def _running() -> stat.Panel:
    text = Text("Exporters up", "Exporters that Prometheus can scrape (up).", "Not scraped")
    return trend(text, f"sum({exporter('up')})", colours=limits(BAD, (1, GOOD)))


# --- polls ------------------------------------------------------------------------------------------------------------


def _accounts() -> table.Panel:
    text = Text(
        "Accounts",
        "Polling of each account: the last poll (scm_csr_up), time since the last success, how long the last poll "
        "took, failures in the time range, the share of the last 30 days in which the last poll had succeeded, CSRs "
        "reported but not read, what offset counts (csr_exporter_offset_mode_info), clock skew, and when the "
        "credential expires, if it does. Failing accounts come first.",
        DASH,
    )
    asked = (
        STATE,
        data_age(),
        DATA_AGE_IN_INTERVALS,
        f"max by (job, account) ({series('csr_exporter_last_poll_duration_seconds')})",
        done("csr_exporter_poll_failures_total", window="$__range", by=ACCOUNT),
        f"floor(1000 * max by (job, account) (avg_over_time({series('scm_csr_up')}[30d]))) / 1000",
        f"{REPORTED} - {total(held('scm_csr_listed'), *ACCOUNT)}",
        _OFFSET_MODE,
        f"round(max by (job, account) ({series('csr_exporter_clock_skew_seconds')}))",
        f"min by (job, account) ({series('csr_exporter_credential_expiry_timestamp_seconds')}) - time()",
    )
    columns = [
        account("scm-csr-inventory", "CSRs of this account"),
        Column("job", "Job"),
        state("Value #A"),
        waited("Value #B", "Last success"),
        shaded("Value #C", "In intervals", "none", MISSED_POLLS, decimals=1),
        Column("Value #D", "Poll duration", unit="s"),
        shaded("Value #E", "Failed polls", COUNT, NONE_IS_GOOD),
        shaded("Value #F", "Up in 30 d", "percentunit", UPTIME, decimals=1),
        shaded("Value #G", "Not read", COUNT, NONE_IS_GOOD),
        Column("mode", "Offset counts", settings=(("mappings", [words(MODES)]),)),
        Column("Value #I", "Clock skew", unit="s", settings=(("decimals", 0),)),
        shaded("Value #J", "Credential", "s", limits(BAD, (900, WARNING), (3600, GOOD)), decimals=1),
    ]
    return listing(text, [Query(expr, kind="table") for expr in asked], columns, "State", "Account")


def _data_age() -> timeseries.Panel:
    text = Text(
        "Data age in poll intervals",
        "Longest time since the last successful poll, in poll intervals, of the ten accounts that waited longest. "
        "About 1 is normal; at 3 the data counts as stale, and at stale_after, by default 6, the inventory is dropped "
        "(csr_exporter_last_success_timestamp_seconds, csr_exporter_poll_interval_seconds).",
        "No poll has succeeded yet",
    )
    longest = f"topk(10, max_over_time(({DATA_AGE_IN_INTERVALS})[$__interval:5m]))"
    panel = lines(text, [Query(longest)], "none").decimals(1).interval("5m")
    return limited(panel, limits(GOOD, (1.5, WARNING), (3, BAD))).axis_soft_max(3.5)


def _polls() -> timeseries.Panel:
    text = Text(
        "Polls",
        "Polls of all replicas per step of the graph, by result (csr_exporter_polls_total, "
        "csr_exporter_poll_failures_total by reason).",
        TOO_SOON,
    )
    good = f"{done('csr_exporter_polls_total')} - {done('csr_exporter_poll_failures_total')}"
    bad = done("csr_exporter_poll_failures_total", by=("reason",))
    panel = counts(text, [Query(good, "succeeded"), Query(bad, "{{reason}}")], "5m")
    return without_zeros(_by_reason(panel))


def _by_reason(panel: timeseries.Panel) -> timeseries.Panel:
    panel.color_scheme(fixed(QUIET))
    for reason, colour in REASONS.items():
        panel.override_by_name(reason, [painted(colour)])
    return panel


def _duration() -> timeseries.Panel:
    text = Text(
        "Poll duration",
        "How long the last poll took (csr_exporter_last_poll_duration_seconds), in the ten slowest accounts. It should "
        "stay well below the poll interval.",
        NOT_POLLED,
    )
    duration = f"max by (job, account) ({series('csr_exporter_last_poll_duration_seconds')})"
    return lines(text, [Query(f"topk(10, {duration})")], "s")


# --- requests ---------------------------------------------------------------------------------------------------------


def _requests() -> timeseries.Panel:
    text = Text(
        "Requests",
        "Requests of all replicas per step of the graph, including retries, by service and HTTP status "
        "(csr_exporter_api_requests_total): what the cloud counts against its limits.",
        TOO_SOON,
    )
    sent = f"{done('csr_exporter_api_requests_total', by=('service', 'code'))} > 0"
    panel = counts(text, [Query(sent, "{{service}} / {{code}}")], "5m").color_scheme(fixed(QUIET))
    for pattern, colour in CODES:
        panel.override_by_regexp(f"/{pattern}/", [painted(colour)])
    return panel.override_by_regexp("/^iam / 2/", [painted("#66CCBB")])


def _latency() -> timeseries.Panel:
    text = Text(
        "API latency",
        "Time from sending a request to SCM to the last byte of its reply: median, 95th and 99th percentile "
        "(csr_exporter_api_request_duration_seconds).",
        TOO_SOON,
    )
    shares = (("0.99", "p99", "#2B6FC9"), ("0.95", "p95", CALM), ("0.5", "median", "#7CC4EA"))
    panel = lines(text, [Query(_quantile(which), name) for which, name, _ in shares], "s").interval("5m")
    for _, name, colour in shares:
        panel.override_by_name(name, [painted(colour)])
    return panel


def _retries() -> timeseries.Panel:
    text = Text(
        "Retries",
        "Requests of all replicas retried within a poll, per step of the graph, by reason "
        "(csr_exporter_api_retries_total). Throttled means the service wants fewer requests.",
        TOO_SOON,
    )
    again = done("csr_exporter_api_retries_total", by=("reason",))
    return _by_reason(counts(text, [Query(again, "{{reason}}")], "5m").axis_soft_max(5))


# --- completeness and credentials -------------------------------------------------------------------------------------


def _trouble() -> timeseries.Panel:
    text = Text(
        "Problems in the list",
        "All replicas, per step of the graph: how often the list changed while it was read "
        "(csr_exporter_torn_walks_total), and records that were dropped or lost a field "
        "(csr_exporter_records_rejected_total, by reason).",
        TOO_SOON,
    )
    queries = [
        Query(done("csr_exporter_torn_walks_total"), "changed while read"),
        Query(done("csr_exporter_records_rejected_total", by=("reason",)), "{{reason}}"),
    ]
    panel = counts(text, queries, "5m").color_scheme(fixed(WARNING)).axis_soft_max(5)
    colours = {"changed while read": CALM, "missing_id": BAD, "not_an_object": "#882255", "duplicate_id": "#E3C44B"}
    for name, colour in {**colours, "bad_create_time": WARNING, "bad_field": "#AA3377"}.items():
        panel.override_by_name(name, [painted(colour)])
    return panel


def _credentials() -> timeseries.Panel:
    text = Text(
        "Credential lifetime left",
        "Time until the current token or temporary key expires (csr_exporter_credential_expiry_timestamp_seconds), for "
        "the ten accounts whose credentials expire first. It should rise again well before it reaches zero.",
        "No credential expires",
    )
    expiry = f"min by (job, account) ({series('csr_exporter_credential_expiry_timestamp_seconds')})"
    left = Query(f"bottomk(10, {expiry} - time()) / 3600")
    return limited(lines(text, [left], "h"), limits(BAD, (0.25, WARNING), (1, GOOD)))


def _skew() -> timeseries.Panel:
    text = Text(
        "Clock skew",
        "The service's clock minus the exporter's (csr_exporter_clock_skew_seconds), in whole seconds, "
        "for the ten accounts most behind and most ahead. "
        "The service refuses requests signed more than 15 minutes off.",
        "No replies yet",
    )
    skew = f"max by (job, account) ({series('csr_exporter_clock_skew_seconds')})"
    panel = lines(text, [Query(f"topk(10, {skew}) or bottomk(10, {skew})")], "s").axis_soft_min(-5).axis_soft_max(5)
    return limited(panel, limits(BAD, (-60, GOOD), (60, BAD)))


# --- the exporters ----------------------------------------------------------------------------------------------------


def _exporters() -> table.Panel:
    text = Text(
        "Exporters",
        "Each process: whether it can be scraped (up), its version (csr_exporter_build_info), whether its "
        "configuration is valid, the configuration's hash, which should be the same on all replicas "
        "(csr_exporter_config_hash_info), when it was loaded, and when the process started.",
        DASH,
    )
    asked = (
        f"max by (job, instance) ({exporter('up')})",
        f"max by (job, instance, version, revision) ({exporter('csr_exporter_build_info')})",
        f"max by (job, instance) ({exporter('csr_exporter_config_last_reload_successful')})",
        f"max by (job, instance, hash) ({exporter('csr_exporter_config_hash_info')})",
        f"max by (job, instance) ({exporter('csr_exporter_config_last_reload_success_timestamp_seconds')}) * 1000",
        f"max by (job, instance) ({exporter('process_start_time_seconds')}) * 1000",
    )
    read = words({"1": ("valid", GOOD), "0": ("broken", BAD)})
    columns = [
        named("instance", "Instance"),
        Column("job", "Job"),
        state("Value #A"),
        Column("version", "Version", 70),
        Column("revision", "Revision", 140),
        Column(
            "Value #C",
            "Configuration",
            125,
            settings=(("mappings", [read]), COLOURED_TEXT, ("custom.align", "left")),
        ),
        Column("hash", "Hash", 150),
        moment("Value #E", "Loaded"),
        moment("Value #F", "Started"),
    ]
    return listing(text, [Query(expr, kind="table") for expr in asked], columns, "Instance")


def _shards() -> table.Panel:
    text = Text(
        "Shards",
        "The shards that the accounts of each job are divided among, counted from 0, and how many exporters poll each "
        "(csr_exporter_shard_info): none if a shard had one within a day and has none now. Then its accounts are not "
        "polled.",
        "Not scraped",
    )
    now = f"count by (job, shards, shard) ({exporter('csr_exporter_shard_info')})"
    gone = f"count by (job, shards, shard) (last_over_time({exporter('csr_exporter_shard_info')}[1d])) * 0"
    none = words({"0": ("none", BAD)})
    columns = [
        Column("job", "Job"),
        Column("shard", "Shard", 60),
        Column("shards", "Of", 50),
        Column("Value", "Exporters", 90, settings=(("mappings", [none]), COLOURED_TEXT)),
    ]
    expr = f"{now} or {gone} and on (job, shards) {now}"
    return listing(text, [Query(expr, kind="table")], columns, "Exporters", "Shard")


def _memory() -> timeseries.Panel:
    text = Text(
        "Memory", "Resident memory of each process (process_resident_memory_bytes).", "Not available on this platform"
    )
    query = Query(f"max by (job, instance) ({exporter('process_resident_memory_bytes')})")
    return lines(text, [query], "bytes")


def _cpu() -> timeseries.Panel:
    text = Text("CPU", "Share of one CPU that each process uses (process_cpu_seconds_total).", TOO_SOON)
    rate = f"max by (job, instance) (rate({exporter('process_cpu_seconds_total')}[$__rate_interval]))"
    return lines(text, [Query(rate)], "percentunit").interval("5m")


def _scrapes() -> timeseries.Panel:
    text = Text(
        "Scrapes",
        "How long a scrape of each exporter takes (scrape_duration_seconds), and the largest number of samples "
        "(scrape_samples_scraped, dashed, right axis).",
        "Not scraped",
    )
    queries = [
        Query(f"max by (job, instance) ({exporter('scrape_duration_seconds')})"),
        Query(f"max({exporter('scrape_samples_scraped')})", "samples"),
    ]
    right = [
        DynamicConfigValue(id_val="custom.axisPlacement", value="right"),
        DynamicConfigValue(id_val="unit", value=COUNT),
        DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [4, 6]}),
        DynamicConfigValue(id_val="custom.lineWidth", value=1),
    ]
    return lines(text, queries, "s").override_by_name("samples", right)
