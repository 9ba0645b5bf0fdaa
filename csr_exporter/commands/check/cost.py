"""What polling an account takes, in requests. Pure."""

from __future__ import annotations

from math import ceil

from csr_exporter.commands.check.report import Finding, Outcome, Step
from csr_exporter.listing.offsets import Paging
from csr_exporter.listing.pages import PAGE_SIZE

DAY = 86_400.0

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def cost(total: int | None, paging: Paging, most: int, interval: float) -> Finding:
    """Requests per poll and per day for a list of *total* CSRs, polled every *interval* seconds.

    A list that can be paged through takes its pages; what lies beyond takes filters, up to *most* requests in all.
    """
    reachable = paging.window if total is None or paging.window is None else min(total, paging.window)
    pages = max(1, ceil((reachable or 0) / PAGE_SIZE))
    at_least = min(pages, most)
    at_most = at_least if total is not None and total == reachable else most
    polls = DAY / interval
    per_poll = f"{at_least}" if at_least == at_most else f"{at_least} to {at_most}"
    per_day = f"{at_least * polls:.0f}" if at_least == at_most else f"{at_least * polls:.0f} to {at_most * polls:.0f}"
    detail = f"{per_poll} per poll, {per_day} per day with poll_interval {span(interval)}"
    if pages > most:
        return Finding(Step.REQUESTS, Outcome.WARNING, detail, f"raise max_requests_per_poll: {pages} pages are needed")
    return Finding(Step.REQUESTS, Outcome.OK, detail)


def span(seconds: float) -> str:
    """A number of *seconds*, as the configuration writes it: ``1h30m``. Parts of a second are left out."""
    left = round(seconds)
    parts = []
    for size, unit in _UNITS:
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
