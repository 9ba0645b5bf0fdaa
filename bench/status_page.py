"""Size and cost of the status page: ``python -m bench.status_page``, half a minute.

Each account holds `CSRS` and has a full history of polls; one in ten is failing.
"""

from __future__ import annotations

import gzip
import sys
from dataclasses import replace

from bench import measure
from bench.world import NOW, a_status, replies
from csr_exporter.inventory import Reason, SourceError
from csr_exporter.metrics import Exposed
from csr_exporter.page import overview, preferred_language, render
from csr_exporter.status import RECENT_POLLS, Poll, Reloads, Status

CSRS = 1000
ACCOUNTS = (1, 20, 500)
FAILED = SourceError(Reason.THROTTLED, "HTTP 429")


def main() -> None:
    """Print a line for each number of accounts."""
    template = a_status(replies(CSRS))
    for number in ACCOUNTS:
        statuses = [_account(template, place) for place in range(number)]
        html = _page(statuses).encode()
        (cpu,) = measure.cpu(lambda accounts=statuses: _page(accounts))  # type: ignore[misc] # mypy cannot infer a lambda with a default
        compressed = len(gzip.compress(html, compresslevel=1))
        sys.stdout.write(f"{number} accounts: {len(html)} bytes, {compressed} compressed, CPU {cpu}\n")


def _page(statuses: list[Status]) -> str:
    facts = overview(statuses, Exposed().age_buckets, Reloads("bench", NOW), NOW + 60)
    return render(facts, preferred_language("en"), "0")


def _account(template: Status, place: int) -> Status:
    polls = tuple(Poll(NOW - 300 * ago, 0.4 + ago % 3, 21) for ago in reversed(range(RECENT_POLLS)))
    status = replace(template, account=replace(template.account, name=f"account-{place:04}"), recent=polls)
    return status if place % 10 else status.after_failure(FAILED, NOW + 30, 0.1, requests=4)


if __name__ == "__main__":
    main()
