"""A daemon under faults at random: ``python -m tests.soak [SECONDS [SEED]]``, which is what ``make soak`` does.

Each round breaks some accounts of a simulated cloud, one for each kind of credentials, waits until ``/metrics`` shows
the outages, repairs them and waits until all accounts have recovered. The daemon is a process of its own, so that its
memory and threads can be measured. It polls in quick succession, and pauses after a refusal pass `SPEED` times as
fast.
"""

from __future__ import annotations

import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from bench.processes import resident
from csr_exporter import logs
from csr_exporter.cloud.auth import Leases
from csr_exporter.commands.run import Daemon, MakePoller
from csr_exporter.config import AccountConfig, Config
from csr_exporter.polling.accounts import poller_for
from csr_exporter.polling.poller import Poller
from csr_exporter.simulator import (
    Break,
    ExpireTokens,
    Fault,
    Latency,
    Mutation,
    RawReply,
    SimulatedAccount,
    Simulator,
    Status,
)
from csr_exporter.simulator.faults import Effect
from csr_exporter.web.listeners import WebOptions, open_listeners
from csr_exporter.web.server import Address, serve
from tests.fakes import DAY, aksk, password, token

SECONDS = 180.0
SPEED = 600.0
PATIENCE = 60.0
"""Seconds to wait for an expected state."""

COMPRESSED = {"poll_interval": 0.5, "request_timeout": 2.0, "poll_timeout": 5.0, "max_requests_per_second": 1000.0}
"""In seconds; shorter than a configuration file allows."""

KINDS = ("aksk", "password", "token", "metadata", "environment", "profile", "oidc")
MOST_AT_ONCE = 4

SMALL, LARGE = 120, 400
TOO_LARGE = {"aksk", "password"}
"""Accounts with more CSRs than offsets reach, so that their list is divided."""

GROWTH = 4 * 2**20
"""Bytes of memory growth allowed from the second quarter of the run, after the warm-up, to the last."""

LEAST_SAMPLES = 200
"""With fewer, memory is not judged."""

TROUBLES: Sequence[tuple[Effect, frozenset[str]]] = tuple(
    (effect, frozenset(reasons.split()))
    for effect, reasons in (
        (Status(400), "bad_request"),
        (Status(401), "unauthorized"),
        (Status(403), "forbidden"),
        (Status(404), "not_found"),
        (Status(429), "throttled"),
        (Status(429, retry_after=60), "throttled"),
        (Status(429, retry_after=60, as_date=True), "throttled"),
        (Status(500), "server_error"),
        (Status(503, retry_after=60), "server_error"),
        (Break("close"), "unreachable"),
        (Break("reset"), "unreachable"),
        (Break("reset", in_body=True), "unreachable"),
        (Break("hang"), "timeout deadline"),
        (Break("hang", in_body=True), "timeout deadline"),
        (Latency(PATIENCE), "timeout deadline"),
        (RawReply(204), "malformed_reply"),
        (RawReply(body=b"{"), "malformed_reply"),
        (RawReply(body=b"x" * 1024, repeat=9 * 1024), "malformed_reply"),
    )
)
"""Faults of SCM, and the reasons that may be reported for each."""


MUTATIONS = (Mutation("add"), Mutation("remove"), Mutation("reorder"))


# --- the daemon -------------------------------------------------------------------------------------------------------


def hasty_pollers() -> MakePoller:
    """Makes pollers for which pauses pass quickly."""
    started = time.time()

    def clock() -> float:
        return started + (time.time() - started) * SPEED

    leases = Leases(clock)

    def make(config: Config, account: AccountConfig, _: Leases, sleep: Callable[[float], None]) -> Poller:
        return poller_for(config, account, leases, lambda seconds: sleep(seconds / SPEED), now=clock)

    return make


def serve_hastily() -> None:
    """Poll and serve what standard input configures until SIGTERM; print the URL, and at the end the threads left."""
    logs.configure("error")
    given = Config.model_validate(json.loads(sys.stdin.readline()), context={"directory": Path()})
    config = given.model_copy(update=COMPRESSED)
    daemon = Daemon(lambda: config, make_poller=hasty_pollers())
    with open_listeners(daemon, WebOptions([Address("127.0.0.1", 0)])) as listeners, daemon.polling():
        serve(listeners, lambda: _say(listeners[0].urls[0]), daemon.try_reload)
    left = [thread for thread in threading.enumerate() if thread.name != "log"]  # which ends with the process
    for thread in left:
        if thread is not threading.main_thread():
            thread.join(PATIENCE)
    _say(json.dumps([thread.name for thread in left if thread.is_alive()]))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@dataclass
class Exporter:
    """The daemon, seen from outside."""

    process: subprocess.Popen[str]
    stdout: IO[str]
    url: str

    def metrics(self) -> str:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=PATIENCE) as reply:  # noqa: S310 - ours, on loopback
            text: str = reply.read().decode()
            return text

    @property
    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/task"))  # noqa: PTH208 - of no use as paths

    def stop(self) -> tuple[int, Sequence[str], float]:
        """The exit code, the threads left, and the seconds it took."""
        started = time.monotonic()
        self.process.terminate()
        left: Sequence[str] = json.loads(self.stdout.readline())
        return self.process.wait(PATIENCE), left, time.monotonic() - started


@contextmanager
def exporter(simulator: Simulator, accounts: Mapping[str, SimulatedAccount]) -> Iterator[Exporter]:
    """The daemon for *accounts*, by kind of credentials."""
    with tempfile.TemporaryDirectory() as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HUAWEICLOUD")}
        environment |= _variables(accounts, simulator.url, Path(home))
        config = {"stale_after": "1h", "accounts": [_account(each, simulator) for each in accounts.values()]}
        with subprocess.Popen(
            [sys.executable, "-m", "tests.soak", "daemon"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as process:
            if process.stdin is None or process.stdout is None:
                raise AssertionError("both are pipes")
            try:
                process.stdin.write(f"{json.dumps(config)}\n")
                process.stdin.flush()
                yield Exporter(process, process.stdout, process.stdout.readline().strip())
            finally:
                process.kill()


def _account(account: SimulatedAccount, simulator: Simulator) -> dict[str, Any]:
    credentials = {
        "aksk": aksk(account),
        "password": password(account, simulator.url),
        "token": token(account),
        "metadata": {"kind": "metadata", "metadata_endpoint": simulator.metadata_url(account.name)},
    }.get(account.name, {"kind": account.name})
    return {"name": account.name, "endpoint": simulator.url, "credentials": credentials}


def _variables(accounts: Mapping[str, SimulatedAccount], url: str, home: Path) -> dict[str, str]:
    """The environment in which the SDK finds credentials."""
    profile, environment, oidc = (accounts[kind] for kind in ("profile", "environment", "oidc"))
    (home / "credentials").write_text(
        f"[global]\nak = {profile.access_key}\nsk = {profile.secret_key}\n", encoding="utf-8"
    )
    (home / "id-token").write_text(oidc.id_token, encoding="utf-8")
    return {
        "HOME": str(home),
        "HUAWEICLOUD_SDK_STS_ENDPOINT": url,
        "HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(home / "credentials"),
        "HUAWEICLOUD_SDK_AK": environment.access_key,
        "HUAWEICLOUD_SDK_SK": environment.secret_key,
        "HUAWEICLOUD_OIDC_PROVIDER_URN": oidc.urns[0],
        "HUAWEICLOUD_OIDC_AGENCY_URN": oidc.urns[1],
        "HUAWEICLOUD_OIDC_TOKEN_FILE": str(home / "id-token"),
    }


# --- what is seen -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """The content of one scrape."""

    up: Mapping[str, bool]
    polls: int
    failures: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, text: str) -> Seen:
        polls = re.findall(r'^csr_exporter_polls_total\{account="\w+"\} (\S+)$', text, re.MULTILINE)
        up = re.findall(r'^scm_csr_up\{account="(\w+)"\} (\S+)$', text, re.MULTILINE)
        pattern = r'^csr_exporter_poll_failures_total\{account="(\w+)",reason="(\w+)"\} (\S+)$'
        failures = re.findall(pattern, text, re.MULTILINE)
        return cls(
            {name: float(value) == 1 for name, value in up},
            round(sum(map(float, polls))),
            {(name, reason): float(value) for name, reason, value in failures},
        )

    def new_reasons(self, account: str, before: Seen) -> set[str]:
        """Why polls of *account* failed since *before*."""
        return {
            reason for (name, reason), count in self.failures.items()
            if name == account and count > before.failures[name, reason]
        }  # fmt: skip


class SoakFailedError(Exception):
    """An expectation was not met."""


@dataclass
class Soak:
    """Rounds of faults and their results."""

    simulator: Simulator
    exporter: Exporter
    chance: random.Random
    outages: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    """Bytes, at each scrape."""

    def start(self) -> None:
        """Wait until every account was polled successfully."""
        self._until(lambda seen: all(seen.up[kind] for kind in KINDS), "the first polls")

    def round(self) -> None:
        """Break some accounts, wait for the outages, repair them, and wait for recovery."""
        struck = self.chance.sample(KINDS, self.chance.randint(1, MOST_AT_ONCE))
        before = self._scrape()
        expected = {name: self._strike(name) for name in struck}
        self._until(
            lambda seen: all(not seen.up[name] and seen.new_reasons(name, before) for name in struck),
            f"outages of {', '.join(struck)}",
        )
        after = self._scrape()
        self._compare(before, after, expected)
        self.simulator.clear()
        self._until(lambda seen: all(seen.up[kind] for kind in KINDS), f"recovery of {', '.join(struck)}")

    def _strike(self, name: str) -> frozenset[str]:
        """Inject a fault into *name*; return the reasons that may be reported for it."""
        if self.chance.random() < 0.2:
            self.simulator.inject(
                name, Fault(Mutation(self.chance.choice(["add", "remove", "reorder"])), service="scm")
            )
        if name == "password" and self.chance.random() < 0.3:
            self.simulator.inject(name, Fault(Status(500), service="iam"))
            self.simulator.inject(name, Fault(ExpireTokens()))
            return frozenset({"server_error"})
        effect, reasons = self.chance.choice(TROUBLES)
        self.simulator.inject(name, Fault(effect, service="scm"))
        return reasons

    def _compare(self, before: Seen, after: Seen, expected: Mapping[str, frozenset[str]]) -> None:
        for name in KINDS:
            reasons = after.new_reasons(name, before)
            if not reasons <= expected.get(name, frozenset()):
                raise SoakFailedError(f"{name}: expected {set(expected.get(name, ()))}, not {reasons}")
            self.outages.update(reasons)

    def _scrape(self) -> Seen:
        self.memory.append(resident(self.exporter.process.pid))
        return Seen.of(self.exporter.metrics())

    def _until(self, holds: Callable[[Seen], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        pause = threading.Event()
        while not holds(seen := self._scrape()):
            if time.monotonic() > deadline:
                raise SoakFailedError(f"waited {PATIENCE:.0f} s for {what}: {seen.up}")
            pause.wait(0.1)

    @property
    def growth(self) -> int | None:
        """Bytes from the second quarter to the last; None if the run was too short to tell."""
        quarter = len(self.memory) // 4
        if len(self.memory) < LEAST_SAMPLES:
            return None
        return round(statistics.median(self.memory[-quarter:]) - statistics.median(self.memory[quarter : 2 * quarter]))


# --- the whole --------------------------------------------------------------------------------------------------------


def soak(going_on: Callable[[int], bool], seed: int = 1) -> list[str]:
    """Run rounds while *going_on*, which gets their number; return a summary. Raises `SoakFailedError`."""
    accounts = {
        kind: SimulatedAccount(
            kind,
            csrs=LARGE if kind in TOO_LARGE else SMALL,
            seed=seed,
            churn_per_minute=60,
            token_lifetime=DAY * SPEED,
            key_lifetime=DAY * SPEED,
        )
        for kind in KINDS
    }
    with Simulator([*accounts.values()]) as simulator, exporter(simulator, accounts) as watched:
        run = Soak(simulator, watched, random.Random(seed))  # noqa: S311 - repeatable chance
        run.start()
        rounds = 0
        while going_on(rounds):
            run.round()
            rounds += 1
        polls, threads = Seen.of(watched.metrics()).polls, watched.threads
        code, left, seconds = watched.stop()
        requests = len(simulator.requests)
    if code != 0 or list(left) != ["MainThread"]:
        raise SoakFailedError(f"exit code {code}, threads left: {left}")
    if run.growth is not None and run.growth > GROWTH:
        raise SoakFailedError(f"memory grew by {run.growth / 2**20:.1f} MiB")
    return [
        f"{len(KINDS)} accounts, {rounds} rounds, {polls} polls, {requests} requests, {len(run.memory)} scrapes",
        f"{run.outages.total()} outages seen with the right reason and recovered from: {_listed(run.outages)}",
        _memory(run),
        f"{threads} threads at the end, none left after {seconds:.1f} s of stopping",
    ]


def _listed(outages: Counter[str]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in outages.most_common())


def _memory(run: Soak) -> str:
    if run.growth is None:
        return "memory: too few scrapes to tell"
    first, last, most = (each / 2**20 for each in (run.memory[0], run.memory[-1], max(run.memory)))
    return (
        f"memory {first:.1f} MiB at first, {last:.1f} MiB at last, {most:.1f} MiB at most; "
        f"{run.growth / 2**20:+.1f} MiB from the second quarter to the last"
    )


def main(seconds: float = SECONDS, seed: int = 1) -> int:
    """Soak for *seconds* and print a summary; return 1 if an expectation was not met."""
    _say(f"soaking for {seconds:.0f} s with seed {seed}")
    deadline = time.monotonic() + seconds
    try:
        lines = soak(lambda _: time.monotonic() < deadline, seed)
    except SoakFailedError as error:
        _say(f"failed: {error}")
        return 1
    for line in lines:
        _say(line)
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["daemon"]:
        serve_hastily()
    else:
        sys.exit(main(*(number(text) for number, text in zip((float, int), sys.argv[1:], strict=False))))
