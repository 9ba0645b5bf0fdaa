"""A few rounds of the soak; ``make soak`` runs it for minutes."""

from __future__ import annotations

import re

from tests.soak import ACCIDENTS, soak

SEED = 3
"""With it a renewal of tokens fails too, and no request hangs, which would take long."""


def test_random_faults_are_reported_and_recovered_from_and_leave_no_thread() -> None:
    summary = soak(lambda rounds: rounds < len(ACCIDENTS), seed=SEED)

    assert re.match(r"7 accounts, 4 rounds, \d+ polls, \d+ requests, \d+ scrapes$", summary[0])
    assert re.match(r"[1-9]\d* outages seen with the right reason and recovered from: ", summary[1])
    assert summary[2] == "amid accidents: clock set back 1, log stuck 1, reload failing 1, connections forgotten 1"
    assert re.search(r"none left after [\d.]+ s of stopping$", summary[-1])
