"""A few rounds of the soak; ``make soak`` runs it for minutes."""

from __future__ import annotations

import re

from tests.soak import soak

SEED = 35
"""With it a renewal of tokens fails too, and no request hangs, which would take long."""


def test_random_faults_are_reported_and_recovered_from_and_leave_no_thread() -> None:
    summary = soak(lambda rounds: rounds < 2, seed=SEED)

    assert re.match(r"7 accounts, 2 rounds, \d+ polls, \d+ requests, \d+ scrapes$", summary[0])
    assert re.match(r"[1-9]\d* outages seen with the right reason and recovered from: ", summary[1])
    assert re.search(r"none left after [\d.]+ s of stopping$", summary[-1])
