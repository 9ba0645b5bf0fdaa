"""The pure centre: what can be said of a list of CSRs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csr_exporter.inventory import (
    DOCUMENTED_ALGORITHMS,
    MAX_FURTHER_VALUES,
    OTHER,
    UNKNOWN,
    CreationTimes,
    Csr,
    Inventory,
    bounded_labels,
    summarize,
)
from tests.fakes import DAY, NOW, a_csr, an_inventory


def test_documented_algorithms_are_counted_even_at_zero() -> None:
    summary = summarize(an_inventory(a_csr(algorithm="SM2")))

    assert dict(summary.by_algorithm) == {**dict.fromkeys(DOCUMENTED_ALGORITHMS, 0), "SM2": 1}


def test_csrs_without_an_algorithm_are_unknown() -> None:
    summary = summarize(an_inventory(a_csr(algorithm="")))

    assert summary.by_algorithm[UNKNOWN] == 1
    assert list(summary.creation_times) == [UNKNOWN]


def test_undocumented_algorithms_past_the_bound_are_other() -> None:
    csrs = [a_csr(f"{number}", algorithm=f"ALGORITHM_{number:03}") for number in range(300)]

    summary = summarize(an_inventory(*csrs))

    assert len(summary.by_algorithm) == len(DOCUMENTED_ALGORITHMS) + MAX_FURTHER_VALUES + 1
    assert summary.by_algorithm[OTHER] == 300 - MAX_FURTHER_VALUES
    assert sum(summary.by_algorithm.values()) == 300


def test_the_most_frequent_values_keep_their_name() -> None:
    counts = {f"rare-{number:02}": 1 for number in range(MAX_FURTHER_VALUES)} | {"frequent": 2}

    label = bounded_labels(counts)

    assert label["frequent"] == "frequent"
    assert [text for text in counts if label[text] == OTHER] == [f"rare-{MAX_FURTHER_VALUES - 1}"]


def test_nothing_is_counted_by_algorithm_when_the_total_is_not_known() -> None:
    inventory = Inventory(csrs=(a_csr(),), reported=None, by_algorithm={}, complete=False)

    assert dict(summarize(inventory).by_algorithm) == {}


def test_domains_are_folded_and_counted_once() -> None:
    summary = summarize(
        an_inventory(
            a_csr("1", domain="Shop.example", sans=("www.shop.example", "*.shop.example")),
            a_csr("2", domain="shop.example", sans=("*.shop.example",)),
            a_csr("3", domain="*.pay.example"),
            a_csr("4", domain=""),
        )
    )

    assert (summary.domains, summary.duplicate_domains, summary.wildcard_domains) == (4, 1, 2)


def test_usages_are_counted_with_unknown_for_none() -> None:
    summary = summarize(an_inventory(a_csr("1", usage="PERSONAL"), a_csr("2", usage=""), a_csr("3", usage="PERSONAL")))

    assert dict(summary.by_usage) == {"PERSONAL": 2, UNKNOWN: 1}


def test_a_csr_without_a_time_counts_but_has_no_age() -> None:
    summary = summarize(an_inventory(a_csr("1", created_at=None), a_csr("2", created_at=NOW)))

    assert summary.by_algorithm["EC_P256"] == 2
    assert summary.creation_times["EC_P256"].ascending == (NOW,)


def test_missing_is_what_was_reported_but_not_read() -> None:
    assert Inventory(csrs=(a_csr(),), reported=3, by_algorithm={}, complete=False).missing == 2
    assert Inventory(csrs=(a_csr(),), reported=None, by_algorithm={}, complete=False).missing is None


def test_a_bucket_includes_its_bound() -> None:
    times = CreationTimes.of([NOW - 7 * DAY, NOW - 7 * DAY - 1, NOW - 6 * DAY])

    assert times.distribution([7 * DAY, 8 * DAY], NOW) == (2, 3)


def test_a_csr_from_the_future_has_age_zero() -> None:
    times = CreationTimes.of([NOW + DAY])

    assert times.distribution([DAY], NOW) == (1,)
    assert times.sum_of_ages(NOW) == 0.0


@given(st.lists(st.integers(-1000, 1000).map(lambda days: NOW + days * DAY)), st.lists(st.integers(1, 1000)))
def test_the_distribution_is_what_counting_each_csr_gives(times: list[float], days: list[int]) -> None:
    ages = [max(0.0, NOW - time) for time in times]
    buckets = sorted(bucket * DAY for bucket in days)

    distribution = CreationTimes.of(times).distribution(buckets, NOW)

    assert distribution == tuple(sum(age <= bucket for age in ages) for bucket in buckets)
    assert CreationTimes.of(times).sum_of_ages(NOW) == pytest.approx(sum(ages))


@given(st.lists(st.builds(Csr, st.text(min_size=1), algorithm=st.text(max_size=3)), max_size=60))
def test_counts_by_algorithm_add_up_to_what_is_reported(csrs: list[Csr]) -> None:
    inventory = an_inventory(*csrs)

    assert sum(summarize(inventory).by_algorithm.values()) == inventory.reported
