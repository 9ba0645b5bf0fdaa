"""Judging an inventory: once, so that for any time what breaks a rule, or is waived, follows by bisection."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import inf
from weakref import WeakKeyDictionary

from csr_exporter.inventory import Csr, Snapshot
from csr_exporter.policy.rules import UNOWNED, Policy, Rule, Texts, Waiver
from csr_exporter.policy.selecting import GlobSets, Selectors, bits
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from a CSR and when it was *superseded*: each rule that it breaks at any time, since when, and the
    waivers that excuse it, the last to end first.
    """

    owner: str
    superseded: float | None
    broken: tuple[tuple[Rule, float, tuple[Waiver, ...]], ...]


@dataclass(frozen=True)
class Judgement:
    """What a policy says of the CSRs of an account.

    *verdicts* are by the id of a CSR. *findings* ascend by `Finding.counts_from`. *waivable* has by the name and
    rule of a waiver when the findings begin that it excuses, or did before it ended, in ascending order.
    """

    account: str
    policy: Policy
    csrs: Sequence[Csr]
    verdicts: Mapping[str, Verdict]
    findings: tuple[Finding, ...]
    waivable: Mapping[tuple[str, Rule], Sequence[float]]

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Those of the policy."""
        return self.policy.rules.in_force

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """Whose each CSR is, by its id."""
        return {identity: verdict.owner for identity, verdict in self.verdicts.items()}

    @property
    def verdicts_by_csr(self) -> Mapping[Csr, Verdict]:
        """The same by the CSR as it was."""
        return {csr: self.verdicts[csr.id] for csr in self.csrs}

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
_JUDGED: MutableMapping[Snapshot, Judgement] = WeakKeyDictionary()


def judged(account: str, snapshot: Snapshot, policy: Policy, earlier: Judgement | None = None) -> Judgement:
    """What *policy* says of *snapshot*, judged the first time it is asked for, as `judge` does."""
    found = _JUDGED.get(snapshot)
    if found is None or found.account != account or found.policy != policy:
        found = _JUDGED[snapshot] = judge(account, snapshot.inventory.csrs, policy, earlier)
    return found


def last_judged(snapshot: Snapshot | None) -> Judgement | None:
    """The judgement of *snapshot*, if it was asked for."""
    return _JUDGED.get(snapshot) if snapshot else None


def judge(account: str, csrs: Sequence[Csr], policy: Policy, earlier: Judgement | None = None) -> Judgement:
    """What *policy* says of *csrs*, which are those of *account*.

    CSRs that are as they were in an *earlier* judgement of the same policy are not judged again.
    """
    judging = _Judging(account, policy)
    superseded = superseded_at(csrs) if policy.rules.superseded_after is not None else {}
    known = earlier.verdicts_by_csr if earlier and (earlier.account, earlier.policy) == (account, policy) else {}
    verdicts: dict[str, Verdict] = {}
    findings: list[Finding] = []
    waivable: dict[tuple[str, Rule], list[float]] = {}
    for csr in csrs:
        verdict, replaced = known.get(csr), superseded.get(csr.id)
        if verdict is None or verdict.superseded != replaced:
            verdict = judging.verdict(csr, replaced)
        verdicts[csr.id] = verdict
        for rule, begins, excusing in verdict.broken:
            findings.append(Finding(csr, rule, verdict.owner, begins, excusing[0] if excusing else None))
            for waiver in excusing:
                waivable.setdefault((waiver.name, rule), []).append(begins)
    findings.sort(key=lambda each: each.counts_from)
    ascending = {key: sorted(times) for key, times in waivable.items()}
    return Judgement(account, policy, csrs, verdicts, tuple(findings), ascending)


class _Judging:
    """*policy* made ready for the CSRs of *account*."""

    def __init__(self, account: str, policy: Policy) -> None:
        entries = [each for each in policy.owners if each.selector.selects_from(account)]
        waivers = [each for each in policy.waivers if each.selector.selects_from(account)]
        self._waivers = sorted(waivers, key=lambda each: -each.until)
        self._of_rule = {
            rule: sum(1 << place for place, each in enumerate(self._waivers) if each.rule is rule) for rule in Rule
        }
        self._rules = policy.rules
        self._names = [each.name for each in entries]
        self._owning = Selectors([each.selector for each in entries])
        self._waiving = Selectors([each.selector for each in self._waivers])
        allowed = GlobSets([policy.rules.allowed_domains or ()])
        self._is_allowed = cache(lambda domain: bool(allowed.matching([domain])))

    def verdict(self, csr: Csr, superseded: float | None) -> Verdict:
        """What is to say of *csr*. The first entry that selects it owns it."""
        texts = Texts.of(csr)
        owner = next((self._names[place] for place in bits(self._owning.selecting(texts))), UNOWNED)
        broken = [*self._broken(csr, texts, owner, superseded)]
        selecting = self._waiving.selecting(texts) if broken else 0
        return Verdict(owner, superseded, tuple((*each, self._excusing(each[0], selecting)) for each in broken))

    def _excusing(self, rule: Rule, selecting: int) -> tuple[Waiver, ...]:
        return tuple(self._waivers[place] for place in bits(selecting & self._of_rule[rule]))

    def _broken(self, csr: Csr, texts: Texts, owner: str, superseded: float | None) -> Iterator[tuple[Rule, float]]:
        """The rules that *csr* breaks at any time, and from when on. What the list does not tell breaks none."""
        rules = self._rules
        if rules.max_age is not None and csr.created_at is not None:
            yield Rule.MAX_AGE, csr.created_at + rules.max_age
        if rules.allowed_algorithms is not None and csr.algorithm and csr.algorithm not in rules.allowed_algorithms:
            yield Rule.ALLOWED_ALGORITHMS, ALWAYS
        if rules.allowed_domains is not None and not all(map(self._is_allowed, texts.domains)):
            yield Rule.ALLOWED_DOMAINS, ALWAYS
        if rules.owner_required and owner == UNOWNED:
            yield Rule.OWNER_REQUIRED, ALWAYS
        if rules.superseded_after is not None and superseded is not None:
            yield Rule.SUPERSEDED_AFTER, superseded + rules.superseded_after
