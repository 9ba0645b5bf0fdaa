"""A few faults on a running Prometheus and Alertmanager; `make prove` lives through all."""

from __future__ import annotations

import re

import pytest

from tests.prove.__main__ import MOST, PAGE, faults_of
from tests.prove.faults import TROUBLES, Trouble
from tests.prove.living import HEALTHY, Proof, prove

FASTER = 120
"""An hour passes in half a minute: a machine that stands still for five seconds has missed two polls."""

# None of them compares with an hour ago.
SOME = [each for each in TROUBLES if each.job in {"secret", "outage", "shard"}]


@pytest.fixture(scope="module")
def proof() -> Proof:
    return prove(FASTER, SOME, {"very_stale_polls": 6}, history=600)


@pytest.mark.timeout(300)
def test_alerts_come_with_a_fault_and_go_with_it_in_two_messages_at_most(proof: Proof) -> None:
    assert [*faults_of(proof, SOME)] == []
    for trouble in SOME:
        assert trouble.expected <= {*proof.fired[trouble.job]}
        assert 1 <= len(proof.sent(trouble.job)) <= MOST


def test_a_healthy_account_has_no_alert_and_no_message(proof: Proof) -> None:
    assert HEALTHY not in proof.fired
    assert proof.sent(HEALTHY) == []


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda each: each.job)
def test_the_page_tells_of_every_fault_and_every_alert_that_has_to_come(trouble: Trouble) -> None:
    (row,) = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {trouble.what} |")]
    _, alerts, messages, late = (cell.strip() for cell in row.strip("|").split("|"))

    assert trouble.expected <= {*re.findall(r"\[(\w+)\]", alerts)}
    assert int(messages.partition(":")[0]) <= MOST
    assert late in {"0", "-"}
