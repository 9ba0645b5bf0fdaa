"""Two rounds of the soak that ``make soak`` runs for minutes."""

from __future__ import annotations

import re

from tests.soak import soak


def test_faults_at_random_are_seen_and_recovered_from_and_leave_no_thread() -> None:
    summary = soak(lambda rounds: rounds < 2, seed=SEED)

    assert re.match(r"7 accounts, 2 rounds, \d+ polls, \d+ requests, \d+ scrapes$", summary[0])
    assert re.match(r"[1-9]\d* outages seen with the right reason and recovered from: ", summary[1])
    assert re.search(r"none left after [\d.]+ s of stopping$", summary[-1])


SEED = 35
"""With this seed renewing tokens fails too, and nothing hangs, which would be slow."""
