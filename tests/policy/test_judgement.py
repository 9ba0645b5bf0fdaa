"""Every rule against a plain reference that compares all with all, and what a judgement says at any time."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csr_exporter.inventory import Csr
from csr_exporter.policy import (
    UNOWNED,
    Glob,
    Owner,
    Policy,
    Rule,
    Rules,
    Selector,
    Waiver,
    judge,
    judged,
    superseded,
)
from tests.fakes import DAY, NOW, a_csr, a_snapshot

ACCOUNT = "Production"
PATTERNS = ["*", "pay-*", "?", "*.a.example", "b.example", "*example", "PROD*", "staging", "pay-1", "1"]
DOMAINS = ["a.example", "*.a.example", "w.a.example", "B.example", "b.example", "*.example", "x.w.a.example"]

days = st.integers(0, 12).map(lambda each: each * DAY)
globs = st.lists(st.sampled_from(PATTERNS), max_size=2).map(lambda each: tuple(map(Glob.of, each)))
selectors = st.builds(Selector, names=globs, domains=globs, accounts=globs, ids=globs)
csrs = st.lists(
    st.builds(
        Csr,
        id=st.integers(0, 30).map(str),
        name=st.sampled_from(["pay-1", "Pay-2", "shop", ""]),
        domain=st.sampled_from([*DOMAINS, ""]),
        sans=st.lists(st.sampled_from(DOMAINS), max_size=2).map(tuple),
        algorithm=st.sampled_from(["RSA_2048", "SM2", ""]),
        created_at=st.none() | days,
    ),
    max_size=8,
    unique_by=lambda csr: csr.id,
)
policies = st.builds(
    Policy,
    owners=st.lists(st.builds(Owner, st.sampled_from(["payments", "shop"]), selectors), max_size=3).map(tuple),
    rules=st.builds(
        Rules,
        max_age=st.none() | days,
        allowed_algorithms=st.none() | st.just(frozenset({"SM2"})),
        allowed_domains=st.none() | globs,
        owner_required=st.booleans(),
        superseded_after=st.none() | days,
    ),
    waivers=st.lists(st.builds(Waiver, st.uuids().map(str), st.sampled_from(Rule), selectors, days), max_size=4).map(
        tuple
    ),
)


def matches(glob: Glob, text: str) -> bool:
    parts = (glob.first, *glob.middle) if glob.last is None else (glob.first, *glob.middle, glob.last)
    return fnmatchcase(text.casefold(), "*".join(parts))


def selects(selector: Selector, csr: Csr) -> bool:
    domains = [each for each in (csr.domain, *csr.sans) if each]
    kinds = [(selector.names, [csr.name]), (selector.domains, domains), (selector.ids, [csr.id])]
    kinds.append((selector.accounts, [ACCOUNT]))
    return all(any(matches(glob, text) for glob in globs for text in texts) for globs, texts in kinds if globs)


def owner_of(csr: Csr, policy: Policy) -> str:
    return next((each.name for each in policy.owners if selects(each.selector, csr)), UNOWNED)


def covers(newer: Csr, older: Csr) -> bool:
    names, others = ([name.casefold() for name in (csr.domain, *csr.sans) if name] for csr in (older, newer))
    return bool(names) and all(name in others or f"*.{name.partition('.')[2]}" in others for name in names)


def breaks(rule: Rule, csr: Csr, listed: list[Csr], policy: Policy, now: float) -> bool:
    rules, created = policy.rules, csr.created_at
    match rule:
        case Rule.MAX_AGE:
            return rules.max_age is not None and created is not None and created + rules.max_age <= now
        case Rule.ALLOWED_ALGORITHMS:
            allowed = rules.allowed_algorithms
            return allowed is not None and csr.algorithm != "" and csr.algorithm not in allowed
        case Rule.ALLOWED_DOMAINS:
            domains = [each for each in (csr.domain, *csr.sans) if each]
            allowed_domains = rules.allowed_domains
            return allowed_domains is not None and any(
                not any(matches(glob, domain) for glob in allowed_domains) for domain in domains
            )
        case Rule.OWNER_REQUIRED:
            return rules.owner_required and owner_of(csr, policy) == UNOWNED
        case Rule.SUPERSEDED_AFTER:
            return rules.superseded_after is not None and any(
                covers(other, csr) and created < other.created_at <= now - rules.superseded_after
                for other in listed
                if created is not None and other.created_at is not None
            )


def waived(rule: Rule, csr: Csr, policy: Policy, now: float) -> bool:
    return any(each.rule is rule and selects(each.selector, csr) and now < each.until for each in policy.waivers)


@given(csrs, policies, st.lists(days | st.floats(-DAY, 40 * DAY), min_size=1, max_size=4))
def test_at_any_time_each_rule_finds_what_comparing_all_with_all_finds(
    listed: list[Csr], policy: Policy, moments: list[float]
) -> None:
    made = judge(ACCOUNT, listed, policy)

    assert made.owners == {csr.id: owner_of(csr, policy) for csr in listed}
    for now in moments:
        broken = {(csr.id, rule) for csr in listed for rule in Rule if breaks(rule, csr, listed, policy, now)}
        by_id = {csr.id: csr for csr in listed}
        excused = {(each, rule) for each, rule in broken if waived(rule, by_id[each], policy, now)}
        violating = [(each.csr.id, each.rule) for each in made.violating(now)]
        assert sorted(violating) == sorted(broken - excused)
        assert sorted((each.csr.id, each.rule) for each in made.waived(now)) == sorted(excused)
        assert sum(made.violations(now).values()) == len(violating)
        for csr in listed:
            assert made.broken(csr.id, now) == tuple(rule for rule in Rule if (csr.id, rule) in violating)
        for waiver in policy.waivers:
            matched = [csr for csr in listed if (csr.id, waiver.rule) in broken and selects(waiver.selector, csr)]
            assert made.waiver_matches(now).get((waiver.name, waiver.rule), 0) == len(matched)


@given(csrs, policies, st.floats(-DAY, 40 * DAY), st.floats(0, 5 * DAY))
def test_between_two_of_its_times_nothing_changes(listed: list[Csr], policy: Policy, now: float, later: float) -> None:
    made = judge(ACCOUNT, listed, policy)

    if not any(now < time <= now + later for time in made.times):
        assert made.violating(now) == made.violating(now + later)
        assert made.waived(now) == made.waived(now + later)
        assert made.waiver_matches(now) == made.waiver_matches(now + later)


@settings(max_examples=25)  # each judges ten times
@given(csrs, csrs, policies, policies)
def test_what_was_judged_before_changes_nothing(
    before: list[Csr], listed: list[Csr], policy: Policy, other: Policy
) -> None:
    made = judge(ACCOUNT, listed, policy)

    for earlier in (
        judge(ACCOUNT, before, policy),
        judge(ACCOUNT, before, other),
        judge("other", before, policy),
        made,
    ):
        assert judge(ACCOUNT, listed, policy, earlier) == made


def test_a_csr_that_did_not_change_is_not_judged_again_and_nothing_keeps_the_earlier_judgement() -> None:
    policy = Policy(rules=Rules(max_age=DAY, superseded_after=DAY))
    same, other = a_csr("1", created_at=NOW), a_csr("2", domain="other.example", created_at=NOW)
    earlier = judge("production", [same, other], policy)

    made = judge("production", [replace(same), replace(other, name="renamed")], policy, earlier)

    assert made.verdicts["1"] is earlier.verdicts["1"]
    assert made.verdicts["2"] is not earlier.verdicts["2"]
    gone = weakref.ref(earlier)
    del earlier
    gc.collect()
    assert gone() is None


def test_every_rule_has_its_count_without_an_owner_even_if_no_csr_breaks_it() -> None:
    policy = Policy(rules=Rules(max_age=DAY, owner_required=True))

    assert judge("production", [], policy).violations(NOW) == {
        (Rule.MAX_AGE, UNOWNED): 0,
        (Rule.OWNER_REQUIRED, UNOWNED): 0,
    }


def test_what_the_service_does_not_tell_breaks_no_rule() -> None:
    blank = Csr("1")
    rules = Rules(max_age=1.0, allowed_algorithms=frozenset({"SM2"}), allowed_domains=(), superseded_after=0.0)

    assert judge("production", [blank, replace(blank, id="2")], Policy(rules=rules)).violating(NOW) == ()


@pytest.mark.parametrize("block", [1, 2, 7, 8, 64])
def test_the_next_csr_of_a_name_supersedes_the_one_before_wherever_a_block_ends(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(superseded, "BLOCK", block)
    listed = [a_csr(f"{number}", domain=f"{number % 7}.example", created_at=number * DAY) for number in range(40)]

    found = superseded.superseded_at(listed)

    assert found == {f"{number}": (number + 7) * DAY for number in range(33)}


def test_a_snapshot_is_judged_once_for_a_policy_and_the_judgement_goes_with_it() -> None:
    snapshot, policy = a_snapshot(a_csr()), Policy(rules=Rules(max_age=DAY))
    made = judged("production", snapshot, policy)

    assert judged("production", snapshot, replace(policy)) is made
    assert judged("staging", snapshot, policy) is not made
    assert judged("staging", snapshot, Policy()).rules == ()

    gone = weakref.ref(snapshot)
    del snapshot
    gc.collect()

    assert gone() is None
