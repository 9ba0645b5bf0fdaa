"""What the policy says: violations, what is waived, and whose the CSRs are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import partial

from prometheus_client.core import GaugeMetricFamily, Metric

from csr_exporter.inventory import Snapshot
from csr_exporter.metrics.family import Family, StepFamily, gauge
from csr_exporter.metrics.per_csr import Exposed, with_series
from csr_exporter.policy import Judgement, judge, judged

OwnerLabel = tuple[()] | tuple[str]
"""The label for owners, which is there only if some are configured."""


def policy_families(account: str, snapshot: Snapshot, exposed: Exposed) -> Iterator[Family]:
    """CSRs by owner; and of rules, samples that change when a CSR reaches an age, or a waiver its end."""
    policy = exposed.policy
    judging = policy.owners or policy.rules.in_force  # else there is nothing to say, and no CSR to look at for that
    judgement = judged(account, snapshot, policy) if judging else judge(account, (), policy)
    owner: OwnerLabel = ("owner",) if policy.owners else ()
    chosen = frozenset(csr.id for csr in with_series(snapshot.inventory.csrs, exposed)) if judging else frozenset()
    text = "Listed CSRs by owner, as configured."
    yield gauge("scm_csrs_by_owner", text, account, judgement.by_owner if owner else None, "owner")
    steps: dict[str, Callable[[float], Metric]] = {
        "scm_csr_policy_violations": partial(_violations, account, judgement, owner),
        "scm_csr_policy_waived": partial(_waived, account, judgement),
        "scm_csr_waiver_matches": partial(_waiver_matches, account, judgement),
        "scm_csr_violation": partial(_violation, account, judgement, owner, chosen),
    }
    for name, at in steps.items():
        yield StepFamily(name, judgement.times, at)


def _violations(account: str, judgement: Judgement, owner: OwnerLabel, now: float) -> Metric:
    text = "Listed CSRs that break the rule of the configured policy when scraped, and are not waived."
    family = GaugeMetricFamily("scm_csr_policy_violations", text, labels=["account", "rule", *owner])
    for (rule, whose), count in judgement.violations(now).items():
        family.add_metric([account, rule, *(whose for _ in owner)], count)
    return family


def _waived(account: str, judgement: Judgement, now: float) -> Metric:
    text = "Listed CSRs that break the rule of the configured policy when scraped, and are waived."
    counts = dict.fromkeys(judgement.rules, 0) | Counter(each.rule for each in judgement.waived(now))
    return gauge("scm_csr_policy_waived", text, account, counts, "rule")


def _waiver_matches(account: str, judgement: Judgement, now: float) -> Metric:
    text = "Listed CSRs that break the rule when scraped and that the waiver selects, also after its end."
    return gauge("scm_csr_waiver_matches", text, account, judgement.waiver_matches(now), "waiver", "rule")


def _violation(account: str, judgement: Judgement, owner: OwnerLabel, chosen: Collection[str], now: float) -> Metric:
    text = "The CSR breaks the rule of the configured policy when scraped, and is not waived; always 1."
    family = GaugeMetricFamily("scm_csr_violation", text, labels=["account", "id", "name", "rule", *owner])
    for each in judgement.violating(now) if chosen else ():
        if each.csr.id in chosen:
            family.add_metric([account, each.csr.id, each.csr.name, each.rule, *(each.owner for _ in owner)], 1)
    return family
