"""Alerts about the exporter itself: whether it runs, and who polls which account."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.prometheus.alert import HEALTH, OVERVIEW, Alert
from deploy.prometheus.promql import (
    ACCOUNT,
    COUNT,
    MINUTE,
    OF_INSTANCE,
    REPLICA_LABELS,
    SHARE,
    duration,
    highest,
    number,
)
from deploy.prometheus.thresholds import Thresholds

INSTANCE = "{{ $labels.instance }}"
JOB = "{{ $labels.job }}"


def exporter(t: Thresholds) -> Iterator[Alert]:
    """The alerts of this concern."""
    yield from _presence(t)
    since = number(
        f"time() - max(csr_exporter_config_last_reload_success_timestamp_seconds{{{OF_INSTANCE}}})",
        "an unknown time",
        "humanizeDuration",
    )
    yield Alert(
        name="CsrExporterConfigReloadFailed",
        severity="warning",
        hold=10 * MINUTE,
        when="an exporter could not read its configuration when it was told to reload",
        expr="""
            csr_exporter_config_last_reload_successful == 0
        """,
        summary=f"{INSTANCE} could not reload its configuration",
        description=f"The exporter at {INSTANCE} goes on with the configuration that it read {since} ago. It would not "
        "start with the one it was given since.",
        dashboard=HEALTH,
        of_account=False,
    )
    yield Alert(
        name="CsrExporterPollSlow",
        severity="info",
        hold=30 * MINUTE,
        when=f"polls of an account take more than {t.slow_share:.0%} of the poll interval",
        expr=f"""
            {highest("csr_exporter_last_poll_duration_seconds")}
            / {highest("csr_exporter_poll_interval_seconds")}
            > {t.slow_share:.3g}
        """,
        summary=f"A poll of {ACCOUNT} takes {SHARE} of its interval",
        description=f"Polls of account {ACCOUNT} take {SHARE} of the poll interval. One that takes longer than "
        "poll_timeout fails; one that takes longer than the interval makes the next one wait.",
        dashboard=HEALTH,
    )
    yield from _replicas(t)


def _presence(t: Thresholds) -> Iterator[Alert]:
    up = f'up{{job=~"{t.exporter_jobs}"}}'
    yield Alert(
        name="CsrExporterDown",
        severity="critical",
        hold=5 * MINUTE,
        when="no instance of the exporter answers scrapes",
        expr=f"""
            {highest(up)} == 0
        """,
        summary=f"No exporter of job {JOB} answers",
        description=f"Prometheus cannot scrape any instance of job {JOB}. Nothing is known of any account, and no "
        "other alert about CSRs can fire.",
        dashboard=HEALTH,
        of_account=False,
    )
    yield Alert(
        name="CsrExporterReplicaDown",
        severity="warning",
        hold=15 * MINUTE,
        when="an instance of the exporter does not answer scrapes while another does",
        expr=f"""
            {up} == 0
            and ignoring ({REPLICA_LABELS})
            {highest(up)} == 1
        """,
        summary=f"The exporter at {INSTANCE} does not answer",
        description=f"Prometheus cannot scrape {INSTANCE} of job {JOB}; other instances of it answer. Of two replicas "
        "the other one goes on; the accounts of a shard are not polled.",
        dashboard=HEALTH,
        of_account=False,
    )
    yield Alert(
        name="CsrExporterAbsent",
        severity="critical",
        hold=15 * MINUTE,
        when="Prometheus has no data of any exporter, not even that it is down",
        expr="""
            absent(csr_exporter_build_info)
        """,
        summary="Prometheus knows of no CSR exporter",
        description="No series csr_exporter_build_info exists: the exporter is not installed, not among the targets, "
        "or none of its scrapes succeeds. No alert about CSRs can fire.",
        dashboard=OVERVIEW,
        of_account=False,
    )


def _replicas(t: Thresholds) -> Iterator[Alert]:
    window = t.window(t.disagree_window)
    yield Alert(
        name="CsrExporterReplicasDisagree",
        severity="info",
        hold=10 * MINUTE,
        when=f"for {duration(t.disagree_window)} one replica has counted more CSRs of an account than another",
        expr=f"""
            max without ({REPLICA_LABELS}) (min_over_time(scm_csr_reported[{window}]) and scm_csr_reported)
            - min without ({REPLICA_LABELS}) (max_over_time(scm_csr_reported[{window}]) and scm_csr_reported)
            > 0
            and {highest("csr_exporter_poll_interval_seconds")} < {t.seconds(t.disagree_window)}
        """,
        summary=f"Replicas disagree about {ACCOUNT} by {COUNT} CSRs",
        description=f"For {duration(t.disagree_window)} one replica has counted at least {COUNT} CSRs of account "
        f"{ACCOUNT} more than another.",
        dashboard=HEALTH,
    )
    pollers = f"count without ({REPLICA_LABELS}) (csr_exporter_poll_interval_seconds)"
    if t.replicas is None:
        expected = f"ignoring (account) group_left () floor(quantile without (account) (0.5, {pollers}))"
        usual = "most accounts are polled by fewer"
    else:
        expected, usual = str(t.replicas), f"{t.replicas} are expected to"
    yield Alert(
        name="CsrExporterAccountPolledTwice",
        severity="warning",
        hold=15 * MINUTE,
        when="more instances poll an account than poll most accounts",
        expr=f"""
            {pollers}
            > {expected}
        """,
        summary=f"{ACCOUNT} is polled by {COUNT} instances",
        description=f"{COUNT} instances poll account {ACCOUNT}; {usual}. Two shards may have the same number, or the "
        "account may stand in two configurations. It is asked more often than its quota of requests was planned for.",
        dashboard=HEALTH,
    )
    yield Alert(
        name="CsrExporterAccountNotPolled",
        severity="warning",
        hold=15 * MINUTE,
        when=f"an account that was polled within the last {duration(t.remembered)} is polled by no instance",
        expr=f"""
            {highest(f"last_over_time(csr_exporter_poll_interval_seconds[{t.window(t.remembered)}])")} > 0
            unless {highest("csr_exporter_poll_interval_seconds")}
        """,
        summary=f"{ACCOUNT} is no longer polled",
        description=f"Account {ACCOUNT} was polled within the last {duration(t.remembered)}, and now no instance has "
        "it: a shard is missing, or it was taken out of the configuration. If that was meant, the alert ends by itself "
        f"{duration(t.remembered)} after.",
        dashboard=HEALTH,
    )
    yield Alert(
        name="CsrExporterAccountsMissing",
        severity="warning",
        hold=15 * MINUTE,
        when="fewer accounts are polled than stand in the configuration",
        expr=f"""
            {highest("csr_exporter_configured_accounts")}
            - count without (account) ({highest("csr_exporter_poll_interval_seconds")})
            > 0
        """,
        summary=f"{COUNT} configured accounts are not polled",
        description=f"The configuration has {COUNT} accounts more than all instances together poll: a shard is "
        "missing, or two shards have the same number.",
        dashboard=HEALTH,
        of_account=False,
    )
