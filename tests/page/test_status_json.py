"""The content of /status.json."""

from __future__ import annotations

import json
import re
from pathlib import Path

from csr_exporter.inventory import DOCUMENTED_ALGORITHMS, Reason, SourceError
from csr_exporter.page import status_json
from csr_exporter.status import Account, Status
from tests.fakes import DAY, NOW, a_csr, a_snapshot, a_status

FORBIDDEN = SourceError(Reason.FORBIDDEN, "HTTP 403: SCM.403")


def the_account(status: Status, now: float = NOW) -> dict[str, object]:
    (account,) = json.loads(json.dumps(status_json([status], "1.2.3", now)))["accounts"]
    return dict(account)


def test_the_fields_are_these_in_this_order() -> None:
    status = a_status(a_csr("1"), a_csr("2", algorithm="SM2", created_at=NOW - DAY), next_poll=NOW + 300.25)

    assert (
        json.dumps(status_json([status], "1.2.3", NOW), indent=1)
        == """\
{
 "version": "1.2.3",
 "accounts": [
  {
   "account": "production",
   "up": true,
   "complete": true,
   "reported": 2,
   "listed": 2,
   "by_algorithm": {
    "EC_P256": 1,
    "EC_P384": 0,
    "RSA_2048": 0,
    "RSA_3072": 0,
    "RSA_4096": 0,
    "SM2": 1
   },
   "oldest_create_time": "2026-01-15T08:00:00.000Z",
   "last_poll": "2027-01-15T08:00:00.000Z",
   "last_success": "2027-01-15T08:00:00.000Z",
   "next_poll": "2027-01-15T08:05:00.250Z",
   "last_error": null
  }
 ]
}"""
    )


def test_a_failing_account_keeps_its_inventory_and_says_what_to_do() -> None:
    account = the_account(a_status(a_csr()).after_failure(FORBIDDEN, NOW + 60, 0.1), NOW + 61)

    assert (account["up"], account["reported"]) == (False, 1)
    assert (account["last_poll"], account["last_success"]) == ("2027-01-15T08:01:00.000Z", "2027-01-15T08:00:00.000Z")
    assert account["last_error"] == {
        "reason": "forbidden",
        "detail": "HTTP 403: SCM.403",
        "advice": "grant the action scm::listCsr to the user or agency, and check the scope of the token",
    }


def test_what_is_stale_or_was_never_known_is_null() -> None:
    unknown = {"complete": None, "reported": None, "listed": None, "by_algorithm": None, "oldest_create_time": None}

    assert unknown.items() <= the_account(a_status(a_csr()), NOW + 1801).items()
    assert unknown.items() <= the_account(Status(Account("production"))).items()


def test_a_number_that_the_service_does_not_give_is_null_and_what_was_read_is_not() -> None:
    snapshot = a_snapshot(a_csr(created_at=None), reported=None, by_algorithm={}, complete=False)

    account = the_account(a_status(snapshot=snapshot))

    assert account["listed"] == 1
    assert [account[name] for name in ("reported", "by_algorithm", "oldest_create_time")] == [None, None, None]
    assert account["complete"] is False


def test_the_next_poll_is_after_a_pause() -> None:
    status = a_status(next_poll=NOW + 60, waiting_until=NOW + 300)

    assert the_account(status)["next_poll"] == "2027-01-15T08:05:00.000Z"


def test_the_page_on_it_shows_and_explains_these_fields() -> None:
    page = (Path(__file__).parents[2] / "docs" / "web.md").read_text(encoding="utf-8")
    status = a_status(a_csr()).after_failure(FORBIDDEN, NOW, 0.1)
    actual = status_json([status], "1.2.3", NOW)

    shown = json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    rows = re.findall(r"^\| (`.*?) \|", page.partition("### status.json")[2], re.MULTILINE)
    explained = {word for row in rows for word in re.findall(r"`(\w+)`", row)}

    assert keys_in(shown) == keys_in(actual)
    assert set(keys_in(actual["accounts"])) - {"reason", "detail", "advice"} - set(explained) == set(
        DOCUMENTED_ALGORITHMS
    )


def keys_in(value: object) -> list[str]:
    """All keys of *value* in their order, and of what it holds."""
    if isinstance(value, list):
        return [key for each in value for key in keys_in(each)]
    if not isinstance(value, dict):
        return []
    return [key for name, each in value.items() for key in (name, *keys_in(each))]
