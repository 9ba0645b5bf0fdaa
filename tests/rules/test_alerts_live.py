"""The rules on a running Prometheus, while the simulated cloud of a running exporter fails in five ways."""

from __future__ import annotations

import pytest

from tests.prove import HEALTHY, PAGE, TROUBLES, prove

FASTER = 160
"""Days pass in minutes: a machine that stands still for five seconds has missed a poll or two, not more."""


@pytest.mark.timeout(300)
def test_alerts_come_with_a_fault_and_go_with_it() -> None:
    proof = prove(FASTER)

    for trouble in TROUBLES:
        raised = {each.alert for each in proof.raised if each.account == trouble.account}
        assert trouble.expected <= raised
    assert not [text for text in proof.said.values() if "error" in text.replace("server_error", "")]
    assert HEALTHY not in {each.account for each in proof.raised}


def test_the_page_tells_of_every_fault_and_every_alert_that_has_to_come() -> None:
    text = PAGE.read_text(encoding="utf-8")

    for trouble in TROUBLES:
        for alert in trouble.expected:
            assert f"| {trouble.what} | [{alert}](runbooks/{alert}.md) |" in text
