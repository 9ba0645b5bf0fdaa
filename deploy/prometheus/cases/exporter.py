"""Cases of the alerts about the exporter itself."""

from __future__ import annotations

from deploy.prometheus.cases.case import JOB, ONE, TWO, Case, Kind, Series, Trial, firing, series

HEALTH = "/d/scm-csr-exporter"


def _kind(alert: str, severity: str, dashboard: str = f"{HEALTH}?var-account=production") -> Kind:
    return Kind(alert, severity, "exporter", dashboard)


def _of(instance: str, metric: str, values: str, account: str | None = None) -> Series:
    labels = {"account": account, "pod": f"exporter-{instance[7]}"} if account else {}
    return Series(metric, values, {"job": JOB, "instance": instance, **labels})


DOWN = _kind("CsrExporterDown", "critical", HEALTH)
NO_ANSWER = firing(
    "No exporter of job csr-exporter answers",
    "Prometheus cannot scrape any instance of job csr-exporter. Nothing is known of any account, and no other alert "
    "about CSRs can fire.",
    job=JOB,
)

REPLICA_DOWN = _kind("CsrExporterReplicaDown", "warning", HEALTH)
NO_ANSWER_OF_ONE = firing(
    "The exporter at 10.0.0.1:10065 does not answer",
    "Prometheus cannot scrape 10.0.0.1:10065 of job csr-exporter; other instances of it answer. Of two replicas the "
    "other one goes on; the accounts of a shard are not polled.",
    job=JOB,
    instance=ONE,
)

ABSENT = _kind("CsrExporterAbsent", "critical", "/d/scm-csr-overview")
NOTHING = firing(
    "Prometheus knows of no CSR exporter",
    "No series csr_exporter_build_info exists: the exporter is not installed, not among the targets, or none of its "
    "scrapes succeeds. No alert about CSRs can fire.",
)

PRESENCE = (
    Trial(
        "fires, not below, and ends",
        DOWN,
        (
            _of(ONE, "up", "1x4 0x20 1x20"),
            series("up", "1x4 0x4 1x40", job="team-csr-exporter", instance=ONE),
            series("up", "0x50", job="node", instance=ONE),
        ),
        {9: (), 10: (NO_ANSWER,), 26: ()},
    ),
    Trial(
        "two replicas",
        DOWN,
        (
            series("up", "0x20", job=JOB, instance=ONE, pod="exporter-1"),
            series("up", "0x20", job=JOB, instance=TWO, pod="exporter-2"),
        ),
        {5: (NO_ANSWER,)},
    ),
    Trial("one of two replicas", DOWN, (_of(ONE, "up", "0x20"), _of(TWO, "up", "1x20")), {15: ()}),
    Trial("no series at all", DOWN, (), {15: ()}),
    Trial(
        "fires, not below, and ends",
        REPLICA_DOWN,
        (
            _of(ONE, "up", "1x4 0x40 1x20"),
            _of(TWO, "up", "1x9 0x13 1x60"),
            _of("10.0.0.3:10065", "up", "1x80"),
        ),
        {19: (), 20: (NO_ANSWER_OF_ONE,), 46: ()},
    ),
    Trial("all replicas", REPLICA_DOWN, (_of(ONE, "up", "0x40"), _of(TWO, "up", "0x40")), {30: ()}),
    Trial("the only replica", REPLICA_DOWN, (_of(ONE, "up", "0x40"),), {30: ()}),
    Trial("no series at all", REPLICA_DOWN, (), {30: ()}),
    Trial(
        "fires, not below, and ends",
        ABSENT,
        (_of(ONE, "csr_exporter_build_info", "1x4 stale _x13 1x5 stale _x20 1x20"),),
        {18: (), 39: (), 40: (NOTHING,), 46: ()},
    ),
    Trial("no series at all", ABSENT, (), {14: (), 15: (NOTHING,)}),
    Trial(
        "one of two replicas",
        ABSENT,
        (_of(ONE, "csr_exporter_build_info", "1x4 stale"), _of(TWO, "csr_exporter_build_info", "1x40")),
        {30: ()},
    ),
)

RELOAD = _kind("CsrExporterConfigReloadFailed", "warning", HEALTH)


def _not_reloaded(instance: str, since: str) -> tuple[str, str]:
    return (
        f"{instance} could not reload its configuration",
        f"The exporter at {instance} goes on with the configuration that it read {since} ago. It would not start with "
        "the one it was given since.",
    )


RELOADS = (
    Trial(
        "fires, not below, and ends",
        RELOAD,
        (
            _of(ONE, "csr_exporter_config_last_reload_successful", "1x4 0x30 1x20"),
            _of(ONE, "csr_exporter_config_last_reload_success_timestamp_seconds", "0x35 2160x20"),
            _of(TWO, "csr_exporter_config_last_reload_successful", "1x4 0x9 1x40"),
        ),
        {14: (), 15: (firing(*_not_reloaded(ONE, "15m 0s"), job=JOB, instance=ONE),), 37: ()},
    ),
    Trial(
        "two replicas",
        RELOAD,
        (
            _of(ONE, "csr_exporter_config_last_reload_successful", "0x30"),
            _of(TWO, "csr_exporter_config_last_reload_successful", "0x30"),
            _of(ONE, "csr_exporter_config_last_reload_success_timestamp_seconds", "0x30"),
        ),
        {
            10: (
                firing(*_not_reloaded(ONE, "10m 0s"), job=JOB, instance=ONE),
                firing(*_not_reloaded(TWO, "an unknown time"), job=JOB, instance=TWO),
            )
        },
    ),
    Trial("no series at all", RELOAD, (), {20: ()}),
)

SLOW = Case(
    kind=_kind("CsrExporterPollSlow", "info"),
    fires=35,
    over=61,
    series=(
        series("csr_exporter_last_poll_duration_seconds", "20x4 102x55 20x20"),
        series("csr_exporter_poll_interval_seconds", "300x80"),
    ),
    below=(
        series("csr_exporter_last_poll_duration_seconds", "99x80"),
        series("csr_exporter_poll_interval_seconds", "300x80"),
    ),
    firing=firing(
        "A poll of production takes 34% of its interval",
        "Polls of account production take 34% of the poll interval. One that takes longer than poll_timeout fails; one "
        "that takes longer than the interval makes the next one wait.",
    ),
)

INTERVAL = "csr_exporter_poll_interval_seconds"
DISAGREE = _kind("CsrExporterReplicasDisagree", "info")
APART = firing(
    "Replicas disagree about production by 5 CSRs",
    "For 30m one replica has counted at least 5 CSRs of account production more than another.",
    account="production",
    job=JOB,
)


def _polled_by_two(seconds: int) -> tuple[Series, ...]:
    return tuple(
        _of(instance, INTERVAL, f"{seconds}x80", account)
        for instance in (ONE, TWO)
        for account in ("production", "staging")
    )


REPLICAS = (
    Trial(
        "fires, not below, and ends",
        DISAGREE,
        (
            *_polled_by_two(300),
            _of(ONE, "scm_csr_reported", "100x80", "production"),
            _of(TWO, "scm_csr_reported", "100x4 105x60 100x20", "production"),
            # The same changes, seen a few minutes apart, as polls are.
            _of(ONE, "scm_csr_reported", "10x9 11x9 12x9 13x9 14x9 15x60", "staging"),
            _of(TWO, "scm_csr_reported", "10x13 11x9 12x9 13x9 14x9 15x60", "staging"),
        ),
        # At 34 minutes they last agreed half an hour ago, or a sample more, as Prometheus 2 and 3 count.
        {43: (), 45: (APART,), 66: ()},
    ),
    Trial(
        "two replicas, with polls too far apart to tell",
        DISAGREE,
        (
            *_polled_by_two(3600),
            _of(ONE, "scm_csr_reported", "100x80", "production"),
            _of(TWO, "scm_csr_reported", "105x80", "production"),
        ),
        {80: ()},
    ),
    Trial(
        "one replica, or shards",
        DISAGREE,
        (*_polled_by_two(300), _of(ONE, "scm_csr_reported", "100x80", "production")),
        {60: ()},
    ),
    Trial(
        "a replica that is replaced",
        DISAGREE,
        (
            *_polled_by_two(300),
            _of(ONE, "scm_csr_reported", "100x20 stale", "production"),
            _of("10.0.0.3:10065", "scm_csr_reported", "_x21 105x60", "production"),
        ),
        {30: (), 40: ()},
    ),
    Trial("no series at all", DISAGREE, (), {60: ()}),
)

TWICE = _kind("CsrExporterAccountPolledTwice", "warning")
BY_TWO = firing(
    "production is polled by 2 instances",
    "2 instances poll account production; most accounts are polled by fewer. Two shards may have the same number, or "
    "the account may stand in two configurations. It is asked more often than its quota of requests was planned for.",
    account="production",
    job=JOB,
)

NOT_POLLED = _kind("CsrExporterAccountNotPolled", "warning")
BY_NOBODY = firing(
    "production is no longer polled",
    "Account production was polled within the last 1d, and now no instance has it: a shard is missing, or it was taken "
    "out of the configuration. If that was meant, the alert ends by itself 1d after.",
    account="production",
    job=JOB,
)

CONFIGURED = "csr_exporter_configured_accounts"
MISSING = _kind("CsrExporterAccountsMissing", "warning", HEALTH)
THREE_MISSING = firing(
    "3 configured accounts are not polled",
    "The configuration has 3 accounts more than all instances together poll: a shard is missing, or two shards have "
    "the same number.",
    job=JOB,
)

SHARDS = (
    Trial(
        "fires, not below, and ends",
        TWICE,
        (
            _of(ONE, INTERVAL, "300x80", "production"),
            _of(TWO, INTERVAL, "_x5 300x30 stale", "production"),
            _of(ONE, INTERVAL, "300x80", "staging"),
            _of(TWO, INTERVAL, "_x5 300x13 stale", "staging"),
            *(_of(TWO, INTERVAL, "300x80", account) for account in ("payments", "sandbox", "shop")),
        ),
        {19: (), 20: (BY_TWO,), 37: ()},
    ),
    Trial(
        "two replicas of all accounts",
        TWICE,
        tuple(
            _of(instance, INTERVAL, "300x80", account)
            for instance in (ONE, TWO)
            for account in ("production", "staging", "payments")
        ),
        {60: ()},
    ),
    Trial("one account, one replica", TWICE, (_of(ONE, INTERVAL, "300x80", "production"),), {60: ()}),
    Trial("no series at all", TWICE, (), {60: ()}),
    Trial(
        "fires, not below, and ends",
        NOT_POLLED,
        (
            _of(ONE, INTERVAL, "300x9 stale _x39 300x20", "production"),
            _of(ONE, INTERVAL, "300x9 stale _x13 300x60", "staging"),
            _of(TWO, INTERVAL, "300x80", "payments"),
        ),
        {24: (), 25: (BY_NOBODY,), 51: ()},
    ),
    Trial(
        "an account that moved to another shard, and one of two replicas",
        NOT_POLLED,
        (
            _of(ONE, INTERVAL, "300x9 stale", "production"),
            _of(TWO, INTERVAL, "_x12 300x60", "production"),
            _of(ONE, INTERVAL, "300x9 stale", "staging"),
            _of(TWO, INTERVAL, "300x80", "staging"),
        ),
        {40: ()},
    ),
    Trial(
        "an account that was taken out is forgotten after a day",
        NOT_POLLED,
        (_of(ONE, INTERVAL, "300 stale", "production"),),
        {3: (BY_NOBODY,), 143: (BY_NOBODY,), 146: ()},
        interval="10m",
    ),
    Trial("no series at all", NOT_POLLED, (), {40: ()}),
    Trial(
        "fires, not below, and ends",
        MISSING,
        (
            *(_of(ONE, INTERVAL, "300x80", account) for account in ("production", "staging")),
            *(_of(TWO, INTERVAL, "300x9 stale _x39 300x20", account) for account in ("payments", "sandbox", "shop")),
            *(_of(instance, CONFIGURED, "5x80") for instance in (ONE, TWO)),
        ),
        {24: (), 25: (THREE_MISSING,), 51: ()},
    ),
    Trial(
        "two replicas of all accounts",
        MISSING,
        (
            *(_of(each, INTERVAL, "300x80", account) for each in (ONE, TWO) for account in ("production", "staging")),
            *(_of(instance, CONFIGURED, "2x80") for instance in (ONE, TWO)),
        ),
        {60: ()},
    ),
    Trial(
        "an account that was added, and that one of two replicas knows of later",
        MISSING,
        (
            _of(ONE, INTERVAL, "300x80", "production"),
            _of(ONE, INTERVAL, "_x9 300x60", "staging"),
            _of(TWO, INTERVAL, "300x80", "production"),
            _of(TWO, INTERVAL, "_x30 300x60", "staging"),
            _of(ONE, CONFIGURED, "1x9 2x60"),
            _of(TWO, CONFIGURED, "1x30 2x60"),
        ),
        {20: (), 40: ()},
    ),
    Trial("no series at all", MISSING, (), {40: ()}),
)

EXPORTER = (*PRESENCE, *RELOADS, SLOW, *REPLICAS, *SHARDS)
