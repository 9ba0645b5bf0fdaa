"""What is known of the accounts, for programs: the content of ``/status.json``. Its fields are a contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from csr_exporter.inventory import ADVICE, Snapshot, SourceError
from csr_exporter.status import Status


def report(statuses: Sequence[Status], version: str, now: float) -> dict[str, object]:
    """The facts of *statuses* as of *now*, ready for JSON. What is not known is None; order is that of *statuses*."""
    return {"version": version, "accounts": [_account(status, now) for status in statuses]}


def _account(status: Status, now: float) -> dict[str, object]:
    return {
        "account": status.account.name,
        "up": status.up,
        **_inventory(status.current(now)),
        "last_poll": moment(status.last_poll),
        "last_success": moment(status.last_success),
        "next_poll": moment(status.next_request(now)),
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
        "by_algorithm": _counts(summary.by_algorithm) if inventory.reported is not None else None,
        "oldest_create_time": moment(summary.oldest),
    }


def _counts(by_algorithm: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(by_algorithm.items()))


def _error(error: SourceError | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {"reason": error.reason.value, "detail": error.detail, "advice": ADVICE[error.reason]}


def moment(instant: float | None) -> str | None:
    """*instant* in ISO 8601, in UTC and to the millisecond."""
    if instant is None:
        return None
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
