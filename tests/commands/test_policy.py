"""``csr-exporter policy``: what breaks the policy, what is waived, and the exit code for CI."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.commands.invoking import invoke
from tests.fakes import DAY, EXAMPLE, aksk

RULES = "policy: {max_age: 398d, allowed_algorithms: [EC_P256, SM2]}\n"
WAIVED = (
    RULES + 'waivers: [{name: PKI-42, rule: max_age, names: ["old-*"], reason: spring, until: %s}]\n'
    "owners: [{owner: payments, domains: ['*.pay.example']}]\n"
)


def a_record(name: str, age: float = 1.0, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - of several types
    """What ``list --format=json`` prints of a CSR of *age* days."""
    created = round((time.time() - age * DAY) * 1000)
    own = {"account": "production", "id": name, "name": name, "private_key_algo": "SM2", "create_time": created}
    return EXAMPLE | own | fields


OLD, RSA = a_record("old-1", 400, domain_name="a.pay.example"), a_record("new-1", private_key_algo="RSA_2048")


def judge(directory: Path, settings: str, listing: object, *arguments: str) -> Result:
    (directory / "list.json").write_text(json.dumps(listing), encoding="utf-8")
    account = "accounts: [{name: production, site: china, credentials: {kind: environment}}]\n"
    (directory / "config.yml").write_text(account + settings, encoding="utf-8")
    return invoke(
        "policy", f"--config.file={directory / 'config.yml'}", f"--from={directory / 'list.json'}", *arguments
    )


def in_days(days: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * DAY))


def test_what_breaks_the_policy_is_printed_and_the_exit_code_is_1(tmp_path: Path) -> None:
    result = judge(tmp_path, RULES, [OLD, RSA, a_record("good")], "--format=json")

    assert result.exit_code == 1
    assert {(each["rule"], each["name"], each["waiver"]) for each in json.loads(result.stdout)} == {
        ("max_age", "old-1", None),
        ("allowed_algorithms", "new-1", None),
    }


def test_waived_violations_are_printed_with_their_waiver_and_the_exit_code_is_0(tmp_path: Path) -> None:
    result = judge(tmp_path, WAIVED % in_days(30), [OLD], "--format=csv")

    (row,) = csv.DictReader(io.StringIO(result.stdout))
    assert (row["rule"], row["owner"], row["waiver"], row["waived_until"][:10]) == (
        "max_age",
        "payments",
        "PKI-42",
        in_days(31),
    )
    assert result.exit_code == 0


def test_a_waiver_that_has_ended_excuses_nothing(tmp_path: Path) -> None:
    result = judge(tmp_path, WAIVED % in_days(-1), [OLD])

    assert (result.exit_code, "PKI-42" in result.stdout, "old-1" in result.stdout) == (1, False, True)


@pytest.mark.parametrize(
    ("arguments", "names", "code"),
    [
        (["--rule=max_age"], {"old-1"}, 0),
        (["--rule=allowed_algorithms"], {"new-1"}, 1),
        (["--owner=payments"], {"old-1"}, 0),
        (["--owner=unowned", "--owner=payments"], {"old-1", "new-1"}, 1),
        (["--account=production"], {"old-1", "new-1"}, 1),
        (["--rule=owner_required"], set(), 0),
    ],
)
def test_rules_owners_and_accounts_are_chosen(tmp_path: Path, arguments: list[str], names: set[str], code: int) -> None:
    result = judge(tmp_path, WAIVED % in_days(30), [OLD, RSA], "--format=json", *arguments)

    assert {each["name"] for each in json.loads(result.stdout)} == names
    assert result.exit_code == code


@pytest.mark.parametrize(
    ("settings", "listing", "arguments", "code", "sentence"),
    [
        ("", [], [], 2, "the configuration has no policy"),
        (RULES, {}, [], 1, "list.json: expected what list --format=json prints"),
        (RULES, [OLD, {"id": "1"}], [], 1, "list.json: entry 1: expected a CSR with account and id"),
        (RULES, [OLD], ["--account=staging"], 2, "'staging' is not one of the accounts: production"),
    ],
)
def test_what_cannot_be_judged_is_said(
    tmp_path: Path, settings: str, listing: object, arguments: list[str], code: int, sentence: str
) -> None:
    result = judge(tmp_path, settings, listing, *arguments)

    assert result.exit_code == code
    assert sentence in result.stderr


def test_a_fresh_listing_is_judged_and_an_account_that_fails_is_not_passed_over(tmp_path: Path) -> None:
    good, bad = SimulatedAccount("good", csrs=3), SimulatedAccount("bad", csrs=3)
    with Simulator([good]) as cloud:
        config = {
            "accounts": [{"name": each.name, "endpoint": cloud.url, "credentials": aksk(each)} for each in (good, bad)],
            "policy": {"allowed_domains": ["nothing.example"]},
        }
        (tmp_path / "config.yml").write_text(json.dumps(config), encoding="utf-8")
        flags = (f"--config.file={tmp_path / 'config.yml'}", "--format=json")
        one, both = invoke("policy", *flags, "--account=good"), invoke("policy", *flags, "--rule=max_age")

    assert (len(json.loads(one.stdout)), one.exit_code) == (3, 1)
    assert (json.loads(both.stdout), both.exit_code) == ([], 1)
    assert "bad: unauthorized" in both.stderr
