"""Accounts shared out among processes."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from csr_exporter.polling.sharding import EVERYTHING, Shard, ShardError
from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.fakes import aksk
from tests.processes import ended, running

NAMES = [f"account-{number}" for number in range(1000)]


def owner(name: str, count: int) -> int:
    (index,) = [index for index in range(count) if Shard(index, count).holds(name)]
    return index


@given(name=st.text(min_size=1), count=st.integers(1, 12))
def test_every_account_is_exactly_one_shards(name: str, count: int) -> None:
    assert 0 <= owner(name, count) < count


def test_shards_are_of_about_the_same_size() -> None:
    sizes = Counter(owner(name, 4) for name in NAMES)

    assert min(sizes.values()) > 200
    assert max(sizes.values()) < 300


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_one_shard_more_moves_accounts_to_the_new_one_only(count: int) -> None:
    moved = [name for name in NAMES if owner(name, count) != owner(name, count + 1)]

    assert {owner(name, count + 1) for name in moved} == {count}
    assert len(moved) < 1.3 * len(NAMES) / (count + 1)


def test_which_shard_has_an_account_never_changes_with_a_release() -> None:
    assert [owner(name, 3) for name in ("production", "staging", "payments", "sandbox")] == [0, 2, 1, 0]


def test_without_shards_every_account_is_ones_own() -> None:
    assert all(EVERYTHING.holds(name) for name in NAMES)


@pytest.mark.parametrize(
    ("text", "host_name", "shard"),
    [
        ("0/1", "anything", EVERYTHING),
        ("2/3", "anything", Shard(2, 3)),
        ("auto/3", "csr-exporter-2", Shard(2, 3)),
        ("auto/12", "csr-exporter-11.csr-exporter.monitoring.svc", Shard(11, 12)),
    ],
)
def test_a_shard_is_given_by_number_or_by_the_host_name(text: str, host_name: str, shard: Shard) -> None:
    assert Shard.parse(text, host_name) == shard


@pytest.mark.parametrize(
    ("text", "host_name", "message"),
    [
        ("3/3", "pod-0", "shard 3 of 3: shards are counted from 0, so the last one is 2"),
        ("0/0", "pod-0", "expected K/N such as 0/3, or auto/N; N is at least 1"),
        ("auto/2", "pod-2", "shard 2 of 2: shards are counted from 0, so the last one is 1"),
        (
            "auto/2",
            "laptop",
            "auto: the host name laptop does not end in - and a number, as those of a StatefulSet do",
        ),
        ("1", "pod-0", "expected K/N such as 0/3, or auto/N; N is at least 1"),
        ("-1/3", "pod-0", "expected K/N such as 0/3, or auto/N; N is at least 1"),
        ("1/3/5", "pod-0", "expected K/N such as 0/3, or auto/N; N is at least 1"),
    ],
)
def test_what_is_no_shard_is_refused_with_what_was_expected(text: str, host_name: str, message: str) -> None:
    with pytest.raises(ShardError) as error:
        Shard.parse(text, host_name)

    assert str(error.value) == message


def test_shards_together_poll_each_account_once(tmp_path: Path) -> None:
    accounts = [SimulatedAccount(f"team-{number}", csrs=3, seed=number) for number in range(8)]
    with Simulator(accounts) as simulator:
        each = [{"name": a.name, "endpoint": simulator.url, "credentials": aksk(a)} for a in accounts]
        file = tmp_path / "config.yml"
        file.write_text(yaml.safe_dump({"accounts": each}), encoding="utf-8")
        run = ("run", f"--config.file={file}")
        with running(*run, "--shard=0/2") as first, running(*run, CSR_EXPORTER_SHARD="1/2") as second:
            texts = [exporter.ready().get("/metrics").text for exporter in (first, second)]

    polled = [set(re.findall(r'^scm_csr_up{account="([^"]+)"} 1.0$', text, re.MULTILINE)) for text in texts]
    assert polled[0] | polled[1] == {account.name for account in accounts}
    assert not polled[0] & polled[1]
    for index, text in enumerate(texts):
        assert f'csr_exporter_shard_info{{shard="{index}",shards="2"}} 1.0' in text
        assert "csr_exporter_configured_accounts 8.0" in text


def test_a_shard_without_accounts_is_ready_and_says_how_many_others_have(tmp_path: Path) -> None:
    with Simulator([SimulatedAccount("production", csrs=3)]) as simulator:
        each = {"name": "production", "endpoint": simulator.url, "credentials": {"kind": "token", "token": "none"}}
        file = tmp_path / "config.yml"
        file.write_text(yaml.safe_dump({"accounts": [each]}), encoding="utf-8")
        others = 1 - owner("production", 2)
        with running("run", f"--config.file={file}", f"--shard={others}/2") as exporter:
            text = exporter.ready().get("/metrics").text

    assert "csr_exporter_configured_accounts 1.0" in text
    assert "scm_csr_up{" not in text


def test_a_shard_that_is_none_is_refused_at_the_start() -> None:
    done = ended("run", "--shard=3/3")

    assert done.returncode == 2
    assert "'CSR_EXPORTER_SHARD'): shard 3 of 3: shards are counted from 0" in done.stderr
