"""Judging an inventory: once, so that for any time what breaks a rule, or is waived, follows by bisection."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from weakref import WeakKeyDictionary

from csr_exporter.inventory import Csr, Snapshot
from csr_exporter.policy.rules import UNOWNED, Policy, Rule, Rules, Texts, Waiver, one_matches
from csr_exporter.policy.superseded import superseded_at

ALWAYS = -inf
"""The beginning of what does not depend on the time."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A CSR that breaks *rule* from the time *begins* on; *waiver* is, of those that excuse it, the last to end."""

    csr: Csr
    rule: Rule
    owner: str
    begins: float
    waiver: Waiver | None = None

    @property
    def counts_from(self) -> float:
        """When it is a violation: it has begun, and no waiver excuses it any longer."""
        return max(self.begins, self.waiver.until) if self.waiver else self.begins


@dataclass(frozen=True)
class Judgement:
    """What a policy says of the CSRs of an account.

    *owners* are by the id of a CSR. *findings* ascend by `Finding.counts_from`. *waivable* has by the name and
    rule of a waiver when the findings begin that it excuses, or did before it ended, in ascending order.
    """

    owners: Mapping[str, str]
    rules: tuple[Rule, ...]
    findings: tuple[Finding, ...]
    waivable: Mapping[tuple[str, Rule], Sequence[float]]

    @cached_property
    def by_owner(self) -> Mapping[str, int]:
        """How many CSRs each owner has; those of none in any case."""
        return {UNOWNED: 0, **Counter(self.owners.values())}

    @cached_property
    def times(self) -> Sequence[float]:
        """When anything changes, in ascending order."""
        times = {time for each in self.findings for time in (each.begins, each.counts_from)}
        return sorted(times - {ALWAYS})

    def violating(self, now: float) -> Sequence[Finding]:
        """What breaks a rule and is not waived."""
        return self.findings[: bisect_right(self.findings, now, key=lambda each: each.counts_from)]

    def waived(self, now: float) -> Sequence[Finding]:
        """What breaks a rule and is waived."""
        return [each for each in self._excused if each.begins <= now < each.counts_from]

    @cached_property
    def _excused(self) -> Sequence[Finding]:
        return [each for each in self.findings if each.begins < each.counts_from]

    def violations(self, now: float) -> Mapping[tuple[Rule, str], int]:
        """How many CSRs break each rule and are not waived, by owner: at 0 for none, and where some will."""
        none = {(rule, UNOWNED): 0 for rule in self.rules}
        return none | {key: bisect_right(times, now) for key, times in self._violation_times.items()}

    @cached_property
    def _violation_times(self) -> Mapping[tuple[Rule, str], Sequence[float]]:
        times: dict[tuple[Rule, str], list[float]] = {}
        for each in self.findings:
            times.setdefault((each.rule, each.owner), []).append(each.counts_from)
        return times

    def waiver_matches(self, now: float) -> Mapping[tuple[str, Rule], int]:
        """How many CSRs break its rule and are selected by each waiver, whether it has ended or not."""
        return {key: bisect_right(times, now) for key, times in self.waivable.items()}

    @cached_property
    def of_csr(self) -> Mapping[str, Sequence[Finding]]:
        """The findings of each CSR by its id, in the order of the rules."""
        found: dict[str, list[Finding]] = {}
        for each in sorted(self.findings, key=lambda each: self.rules.index(each.rule)):
            found.setdefault(each.csr.id, []).append(each)
        return found

    def broken(self, identity: str, now: float) -> tuple[Rule, ...]:
        """The rules that the CSR with this id breaks, and is not excused from."""
        return tuple(each.rule for each in self.of_csr.get(identity, ()) if each.counts_from <= now)


# Entries go with the snapshot, and must not refer to it.
_JUDGED: MutableMapping[Snapshot, tuple[str, Policy, Judgement]] = WeakKeyDictionary()


def judged(account: str, snapshot: Snapshot, policy: Policy) -> Judgement:
    """What *policy* says of *snapshot*, judged the first time it is asked for."""
    found = _JUDGED.get(snapshot)
    if found is None or found[0] != account or found[1] != policy:
        found = _JUDGED[snapshot] = (account, policy, judge(account, snapshot.inventory.csrs, policy))
    return found[2]


def judge(account: str, csrs: Sequence[Csr], policy: Policy) -> Judgement:
    """What *policy* says of *csrs*, which are those of *account*."""
    entries = [owner for owner in policy.owners if owner.selector.selects_from(account)]
    waivers = {rule: _latest_first(account, policy.waivers, rule) for rule in policy.rules.in_force}
    superseded = superseded_at(csrs) if policy.rules.superseded_after is not None else {}
    owners: dict[str, str] = {}
    findings: list[Finding] = []
    waivable: dict[tuple[str, Rule], list[float]] = {}
    for csr in csrs:
        texts = Texts.of(csr)
        owner = next((each.name for each in entries if each.selector.selects(texts)), UNOWNED)
        owners[csr.id] = owner
        for rule, begins in _broken(csr, texts, owner, policy.rules, superseded.get(csr.id)):
            excusing = [waiver for waiver in waivers[rule] if waiver.selector.selects(texts)]
            findings.append(Finding(csr, rule, owner, begins, next(iter(excusing), None)))
            for waiver in excusing:
                waivable.setdefault((waiver.name, rule), []).append(begins)
    findings.sort(key=lambda each: each.counts_from)
    ascending = {key: sorted(times) for key, times in waivable.items()}
    return Judgement(owners, policy.rules.in_force, tuple(findings), ascending)


def _latest_first(account: str, waivers: Iterable[Waiver], rule: Rule) -> Sequence[Waiver]:
    """Those of *waivers* that excuse CSRs of *account* from *rule*, the last to end first."""
    those = [each for each in waivers if each.rule is rule and each.selector.selects_from(account)]
    return sorted(those, key=lambda each: -each.until)


def _broken(csr: Csr, texts: Texts, owner: str, rules: Rules, superseded: float | None) -> Iterator[tuple[Rule, float]]:
    """The rules that *csr* breaks at any time, and from when on. What the list does not tell breaks none."""
    if rules.max_age is not None and csr.created_at is not None:
        yield Rule.MAX_AGE, csr.created_at + rules.max_age
    if rules.allowed_algorithms is not None and csr.algorithm and csr.algorithm not in rules.allowed_algorithms:
        yield Rule.ALLOWED_ALGORITHMS, ALWAYS
    if rules.allowed_domains is not None:
        allowed = rules.allowed_domains
        if not all(one_matches(allowed, [domain]) for domain in texts.domains):
            yield Rule.ALLOWED_DOMAINS, ALWAYS
    if rules.owner_required and owner == UNOWNED:
        yield Rule.OWNER_REQUIRED, ALWAYS
    if rules.superseded_after is not None and superseded is not None:
        yield Rule.SUPERSEDED_AFTER, superseded + rules.superseded_after
