"""Cases of the alerts about whether the numbers can be trusted."""

from __future__ import annotations

from deploy.prometheus.cases.case import JOB, ONE, TWO, Case, Kind, Trial, firing, series

HEALTH = "/d/scm-csr-exporter?var-account=production"


def _kind(alert: str, severity: str, dashboard: str = HEALTH) -> Kind:
    return Kind(alert, severity, "trust", dashboard)


INCOMPLETE = Case(
    kind=_kind("ScmCsrInventoryIncomplete", "warning"),
    fires=35,
    over=61,
    series=(
        series("scm_csr_inventory_complete", "1x4 0x55 1x40"),
        series("scm_csr_reported", "500x100"),
        series("scm_csr_listed", "412x100"),
    ),
    # A poll or two that did not see all.
    below=(series("scm_csr_inventory_complete", "1x4 0x28 1x66"),),
    firing=firing(
        "Not every CSR of production is seen",
        "The service reports 500 CSRs of account production; 412 were read. Counts per algorithm hold, but whatever is "
        "said of single CSRs, of ages and of domains has blind spots.",
    ),
    without={
        "scm_csr_reported": "The service reports an unknown number of CSRs of account production; 412 were read. "
        "Counts per algorithm hold, but whatever is said of single CSRs, of ages and of domains has blind spots.",
        "scm_csr_listed": "The service reports 500 CSRs of account production; an unknown number of them were read. "
        "Counts per algorithm hold, but whatever is said of single CSRs, of ages and of domains has blind spots.",
    },
)

INCOMPLETE_FOR_ONE = Trial(
    "one replica that sees all is enough",
    INCOMPLETE.kind,
    (
        series("scm_csr_inventory_complete", "0x100", account="production", job=JOB, instance=ONE),
        series("scm_csr_inventory_complete", "1x100", account="production", job=JOB, instance=TWO),
    ),
    {90: ()},
)

STALE = Case(
    kind=_kind("ScmCsrDataStale", "warning"),
    fires=21,
    over=31,
    series=(
        series("csr_exporter_last_success_timestamp_seconds", "0x29 1800+60x40"),
        series("csr_exporter_poll_interval_seconds", "300x70"),
        series("csr_exporter_poll_failures_total", "0x4 1x4 2x4 3x4 4x60", reason="unreachable"),
        series("csr_exporter_poll_failures_total", "0x19 1x60", reason="timeout"),
        series("csr_exporter_poll_failures_total", "0x70", reason="throttled"),
    ),
    # Three intervals old, exactly, when the other one has fired.
    below=(
        series("csr_exporter_last_success_timestamp_seconds", "360x21 1320+60x40"),
        series("csr_exporter_poll_interval_seconds", "300x70"),
    ),
    firing=firing(
        "The numbers of production are 21m 0s old",
        "The last good poll of account production was 21m 0s ago; it is polled every 5m 0s. What is shown is the "
        "inventory of that time, until stale_after. Failed polls of the last 30m: unreachable (4), timeout (1).",
    ),
    without={
        "csr_exporter_poll_failures_total": "The last good poll of account production was 21m 0s ago; it is polled "
        "every 5m 0s. What is shown is the inventory of that time, until stale_after.",
    },
)

STALE_FOR_ONE = Trial(
    "one replica that is fresh is enough",
    STALE.kind,
    (
        *(
            series("csr_exporter_poll_interval_seconds", "300x70", account="production", job=JOB, instance=instance)
            for instance in (ONE, TWO)
        ),
        series("csr_exporter_last_success_timestamp_seconds", "0x70", account="production", job=JOB, instance=ONE),
        series("csr_exporter_last_success_timestamp_seconds", "0+60x70", account="production", job=JOB, instance=TWO),
    ),
    {60: ()},
)

STALE_AT_A_LONG_INTERVAL = Trial(
    "the interval sets the pace",
    STALE.kind,
    (
        series("csr_exporter_poll_interval_seconds", "3600x200", account="production", job=JOB, instance=ONE),
        series("csr_exporter_last_success_timestamp_seconds", "0x200", account="production", job=JOB, instance=ONE),
    ),
    {
        185: (),
        186: (
            firing(
                "The numbers of production are 3h 6m 0s old",
                "The last good poll of account production was 3h 6m 0s ago; it is polled every 1h 0m 0s. What is shown "
                "is the inventory of that time, until stale_after.",
                account="production",
                job=JOB,
            ),
        ),
    },
)

VERY_STALE = Case(
    kind=_kind("ScmCsrDataVeryStale", "critical"),
    fires=36,
    over=51,
    series=(
        series("csr_exporter_last_success_timestamp_seconds", "0x49 3000+60x40"),
        series("csr_exporter_poll_interval_seconds", "300x90"),
        # The inventory goes after half an hour, as stale_after has it.
        series("scm_csr_listed", "40x30 stale _x18 40x40"),
        series("csr_exporter_poll_failures_total", "0+0.2x90", reason="deadline"),
    ),
    below=(
        series("csr_exporter_last_success_timestamp_seconds", "0x90"),
        series("csr_exporter_poll_interval_seconds", "300x90"),
        series("scm_csr_listed", "40x90"),
    ),
    firing=firing(
        "production has not been seen for 36m 0s",
        "The last good poll of account production was 36m 0s ago; it is polled every 5m 0s. Past stale_after the "
        "inventory series end, and no alert can speak of its CSRs. Failed polls of the last 30m: deadline (6).",
    ),
    without={
        "csr_exporter_poll_failures_total": "The last good poll of account production was 36m 0s ago; it is polled "
        "every 5m 0s. Past stale_after the inventory series end, and no alert can speak of its CSRs.",
        "scm_csr_listed": "The last good poll of account production was 36m 0s ago; it is polled every 5m 0s. Past "
        "stale_after the inventory series end, and no alert can speak of its CSRs. Failed polls of the last 30m: "
        "deadline (6).",
        "csr_exporter_poll_interval_seconds": "The last good poll of account production was 36m 0s ago; it is polled "
        "every ?. Past stale_after the inventory series end, and no alert can speak of its CSRs. Failed polls of the "
        "last 30m: deadline (6).",
    },
)

VERY_STALE_BUT_SHOWN = Trial(
    "twelve intervals, where stale_after is longer",
    VERY_STALE.kind,
    (
        series("csr_exporter_last_success_timestamp_seconds", "0x90", account="production", job=JOB, instance=ONE),
        series("csr_exporter_poll_interval_seconds", "300x90", account="production", job=JOB, instance=ONE),
        series("scm_csr_listed", "40x90", account="production", job=JOB, instance=ONE),
    ),
    {
        65: (),
        66: (
            firing(
                "production has not been seen for 1h 6m 0s",
                "The last good poll of account production was 1h 6m 0s ago; it is polled every 5m 0s. Past stale_after "
                "the inventory series end, and no alert can speak of its CSRs.",
                account="production",
                job=JOB,
            ),
        ),
    },
)

NEVER = Case(
    kind=_kind("ScmCsrNeverSucceeded", "critical"),
    fires=15,
    over=31,
    series=(
        series("scm_csr_up", "0x29 1x40"),
        series("csr_exporter_poll_failures_total", "1x9 2x60", reason="unauthorized"),
        series("csr_exporter_poll_failures_total", "0x70", reason="timeout"),
    ),
    below=(
        series("scm_csr_up", "0x13 1x60"),
        series("csr_exporter_last_success_timestamp_seconds", "_x14 840x60"),
        series("scm_csr_up", "0x70", account="other"),
        series("csr_exporter_last_success_timestamp_seconds", "0x70", account="other"),
    ),
    firing=firing(
        "production has never been read",
        "No poll of account production has succeeded since the exporter started; of its CSRs nothing is known. Failed "
        "polls: unauthorized (2).",
    ),
    without={
        "csr_exporter_poll_failures_total": "No poll of account production has succeeded since the exporter started; "
        "of its CSRs nothing is known.",
    },
)

NEVER_FOR_ONE = Trial(
    "one replica that has succeeded is enough",
    NEVER.kind,
    (
        series("scm_csr_up", "0x60", account="production", job=JOB, instance=ONE),
        series("scm_csr_up", "0x60", account="production", job=JOB, instance=TWO),
        series("csr_exporter_last_success_timestamp_seconds", "0x60", account="production", job=JOB, instance=TWO),
    ),
    {50: ()},
)

CAPPED = Case(
    kind=_kind("ScmCsrSeriesCapped", "info"),
    fires=20,
    over=41,
    series=(
        series("csr_exporter_series_dropped", "0x4 5000x35 0x40"),
        series("scm_csr_reported", "25000x80"),
    ),
    below=(series("csr_exporter_series_dropped", "0x80"),),
    firing=firing(
        "5000 CSRs of production have no series of their own",
        "Account production holds 25000 CSRs; the newest 5000 have no series of their own because of "
        "per_csr.max_series. Counts and ages per algorithm include them.",
    ),
    without={
        "scm_csr_reported": "Account production holds an unknown number of CSRs; the newest 5000 have no series of "
        "their own because of per_csr.max_series. Counts and ages per algorithm include them.",
    },
)

TORN = Case(
    kind=_kind("ScmCsrTornWalks", "info"),
    fires=79,
    over=115,
    series=(
        series("csr_exporter_torn_walks_total", "0+0.062x90 5.6x40"),
        series("csr_exporter_polls_total", "0+0.2x140"),
    ),
    # In 24 of 100 polls; and in every poll, but three times only.
    below=(
        series("csr_exporter_torn_walks_total", "0+0.048x140"),
        series("csr_exporter_polls_total", "0+0.2x140"),
        series("csr_exporter_torn_walks_total", "0 1 2 3x140", account="other"),
        series("csr_exporter_polls_total", "0 1 2 3x140", account="other"),
    ),
    firing=firing(
        "The list of production keeps changing while it is read",
        "The CSR list of account production changed 5 times in 2h while it was read. A walk is tried twice and then "
        "published as incomplete.",
    ),
)

REJECTED = Case(
    kind=_kind("ScmCsrRecordsRejected", "info"),
    fires=91,
    over=165,
    series=(series("csr_exporter_records_rejected_total", "0+0.2x100 20x100", reason="bad_create_time"),),
    # Once, five of them.
    below=(series("csr_exporter_records_rejected_total", "0x10 5x200", reason="bad_create_time"),),
    firing=firing(
        "Records of production are rejected: bad_create_time",
        "In 1h the exporter rejected 12 records of account production, or fields of them, as bad_create_time; a bad "
        "record counts each time it is read.",
        reason="bad_create_time",
    ),
)

SKEW = _kind("ScmCsrClockSkew", "warning", "/d/scm-csr-exporter")


def _skewed(instance: str) -> tuple[str, str]:
    return (
        f"The clock of {instance} is 1m 1s off",
        f"The clock of the exporter at {instance} and that of the service are 1m 1s apart. Ages are wrong by as much, "
        "and past 15m the service refuses signed requests.",
    )


CLOCKS = (
    Trial(
        "fires once for a clock, not below, and ends",
        SKEW,
        (
            series("csr_exporter_clock_skew_seconds", "0x4 -61x40 0x40", account="production", job=JOB, instance=ONE),
            series("csr_exporter_clock_skew_seconds", "0x4 -60.5x40 0x40", account="staging", job=JOB, instance=ONE),
            series("csr_exporter_clock_skew_seconds", "60x80", account="production", job=JOB, instance=TWO),
        ),
        {19: (), 20: (firing(*_skewed(ONE), job=JOB, instance=ONE),), 46: ()},
    ),
    Trial(
        "two replicas",
        SKEW,
        tuple(
            series("csr_exporter_clock_skew_seconds", "61x80", account="production", job=JOB, instance=instance)
            for instance in (ONE, TWO)
        ),
        {15: tuple(firing(*_skewed(instance), job=JOB, instance=instance) for instance in (ONE, TWO))},
    ),
    Trial("no series at all", SKEW, (), {20: ()}),
)

TRUST = (
    INCOMPLETE,
    INCOMPLETE_FOR_ONE,
    STALE,
    STALE_FOR_ONE,
    STALE_AT_A_LONG_INTERVAL,
    VERY_STALE,
    VERY_STALE_BUT_SHOWN,
    NEVER,
    NEVER_FOR_ONE,
    CAPPED,
    TORN,
    REJECTED,
    *CLOCKS,
)
