"""The accounts for programs: the content of ``/status.json``. Its fields are a contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from csr_exporter.inventory import ADVICE, Snapshot, SourceError
from csr_exporter.status import Status


def status_json(statuses: Sequence[Status], version: str, now: float) -> dict[str, object]:
    """*statuses* as of *now*, in their order and ready for JSON. What is not known is None."""
    return {"version": version, "accounts": [_account(status, now) for status in statuses]}


def _account(status: Status, now: float) -> dict[str, object]:
    return {
        "account": status.account.name,
        "up": status.up,
        **_inventory(status.current(now)),
        "last_poll": iso8601(status.last_poll),
        "last_success": iso8601(status.last_success),
        "next_poll": iso8601(status.next_request(now)),
        "last_error": _error(status.error),
    }


def _inventory(snapshot: Snapshot | None) -> dict[str, object]:
    if snapshot is None:
        return dict.fromkeys(("complete", "reported", "listed", "by_algorithm", "oldest_create_time"))
    inventory, summary = snapshot.inventory, snapshot.summary
    return {
        "complete": inventory.complete,
        "reported": inventory.reported,
        "listed": len(inventory.csrs),
        "by_algorithm": None if inventory.reported is None else dict(sorted(summary.by_algorithm.items())),
        "oldest_create_time": iso8601(summary.oldest),
    }


def _error(error: SourceError | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {"reason": error.reason.value, "detail": error.detail, "advice": ADVICE[error.reason]}


def iso8601(instant: float | None) -> str | None:
    """*instant* in UTC and to the millisecond."""
    if instant is None:
        return None
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
