"""A daemon under faults at random: ``python -m tests.soak [SECONDS [SEED]]``, which is what ``make soak`` does.

Each round breaks some accounts of a simulated cloud, one for each kind of credentials, waits until ``/metrics`` shows
the outages, repairs them and waits until all accounts have recovered. All the while the daemon has an accident of its
own: its clock is set back, nobody reads its log, its configuration cannot be read, or the network forgets all
connections. The daemon is a process of its own, so that its memory and threads can be measured. It polls in quick
succession, and pauses after a refusal pass `SPEED` times as fast.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError

from bench.processes import resident
from csr_exporter import logs
from csr_exporter.cloud.auth import Leases
from csr_exporter.commands.run import Daemon, MakePoller, share_heap
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
from tests.clock import WallClock
from tests.fakes import DAY, aksk, password, token
from tests.nat import Nat, nat

SECONDS = 180.0
SPEED = 600.0
PATIENCE = 60.0
"""Seconds to wait for an expected state."""

COMPRESSED = {"poll_interval": 0.5, "request_timeout": 5.0, "poll_timeout": 12.0, "max_requests_per_second": 1000.0}
"""In seconds; shorter than a configuration file allows."""

SET_BACK = 600
"""Seconds. By more than fifteen minutes, and the service would refuse what is signed."""

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
    share_heap()
    logs.configure()
    given = Config.model_validate(json.loads(sys.stdin.readline()), context={"directory": Path()})
    config = given.model_copy(update=COMPRESSED)

    def read() -> Config:
        if Path(sys.argv[2]).exists():
            raise OverflowError
        return config

    daemon = Daemon(read, make_poller=hasty_pollers())
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
    clock: WallClock
    log: Log
    broken: Path
    """While it exists, the configuration cannot be read."""

    def metrics(self) -> str:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=PATIENCE) as reply:  # noqa: S310 - ours, on loopback
            text: str = reply.read().decode()
            return text

    @property
    def healthy(self) -> bool:
        with suppress(HTTPError), urllib.request.urlopen(f"{self.url}/-/healthy", timeout=PATIENCE):  # noqa: S310 - ours, on loopback
            return True
        return False

    @property
    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/task"))  # noqa: PTH208 - of no use as paths

    def reload(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> tuple[int, Sequence[str], float]:
        """The exit code, the threads left, and the seconds it took."""
        started = time.monotonic()
        self.process.terminate()
        left: Sequence[str] = json.loads(self.stdout.readline())
        return self.process.wait(PATIENCE), left, time.monotonic() - started


class Log:
    """The pipe that a daemon logs to, and its reader."""

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe()
        self._reading = threading.Event()
        self._reading.set()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while self._reading.wait() and os.read(self._read_end, 65536):
            pass

    @contextmanager
    def stuck(self) -> Iterator[None]:
        """Read nothing until the block ends, and fill what the pipe holds."""
        self._reading.clear()
        os.set_blocking(self.write_end, False)
        with suppress(BlockingIOError):
            while True:
                os.write(self.write_end, b"\n" * 4096)
        os.set_blocking(self.write_end, True)
        try:
            yield
        finally:
            self._reading.set()


@contextmanager
def exporter(simulator: Simulator, network: Nat, accounts: Mapping[str, SimulatedAccount]) -> Iterator[Exporter]:
    """The daemon for *accounts*, by kind of credentials; it reaches the CSR lists through *network*."""
    with tempfile.TemporaryDirectory() as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HUAWEICLOUD")}
        environment |= _variables(accounts, simulator.url, Path(home))
        clock, log, broken = WallClock(Path(home)), Log(), Path(home) / "broken"
        environment |= clock.environment
        config = {"stale_after": "1h", "accounts": [_account(each, simulator, network) for each in accounts.values()]}
        with subprocess.Popen(
            [sys.executable, "-m", "tests.soak", "daemon", broken],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.write_end,
            text=True,
            env=environment,
        ) as process:
            if process.stdin is None or process.stdout is None:
                raise AssertionError("both are pipes")
            try:
                process.stdin.write(f"{json.dumps(config)}\n")
                process.stdin.flush()
                yield Exporter(process, process.stdout, process.stdout.readline().strip(), clock, log, broken)
            finally:
                process.kill()


def _account(account: SimulatedAccount, simulator: Simulator, network: Nat) -> dict[str, Any]:
    credentials = {
        "aksk": aksk(account),
        "password": password(account, simulator.url),
        "token": token(account),
        "metadata": {"kind": "metadata", "metadata_endpoint": simulator.metadata_url(account.name)},
    }.get(account.name, {"kind": account.name})
    return {"name": account.name, "endpoint": network.url, "credentials": credentials}


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
    polls: Mapping[str, int]
    failures: Mapping[tuple[str, str], float]
    reloaded: bool
    """Whether the last reload succeeded."""

    @classmethod
    def of(cls, text: str) -> Seen:
        polls = re.findall(r'^csr_exporter_polls_total\{account="(\w+)"\} (\S+)$', text, re.MULTILINE)
        up = re.findall(r'^scm_csr_up\{account="(\w+)"\} (\S+)$', text, re.MULTILINE)
        pattern = r'^csr_exporter_poll_failures_total\{account="(\w+)",reason="(\w+)"\} (\S+)$'
        failures = re.findall(pattern, text, re.MULTILINE)
        return cls(
            {name: float(value) == 1 for name, value in up},
            {name: round(float(count)) for name, count in polls},
            {(name, reason): float(value) for name, reason, value in failures},
            "\ncsr_exporter_config_last_reload_successful 1" in text,
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
    network: Nat
    exporter: Exporter
    chance: random.Random
    outages: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    """Bytes, at each scrape."""
    accidents: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        """Wait until every account was polled successfully."""
        self.until(lambda seen: all(seen.up[kind] for kind in KINDS), "the first polls")

    def round(self, number: int) -> None:
        """Break some accounts amid an accident, wait for the outages, repair them, and wait for recovery."""
        accident = ACCIDENTS[number % len(ACCIDENTS)]
        name = accident.__name__.replace("_", " ")
        with accident(self):
            self._outages(LOST if accident is connections_forgotten else frozenset())
        self.until(lambda seen: seen.reloaded and all(seen.up[kind] for kind in KINDS), f"the end of: {name}")
        self.until(lambda _: self.exporter.healthy, "health")
        self.accidents[name] += 1

    def _outages(self, more: frozenset[str]) -> None:
        """Outages seen and recovered from; polls may also fail for *more* reasons."""
        struck = self.chance.sample(KINDS, self.chance.randint(1, MOST_AT_ONCE))
        before = self.scrape()
        expected = {name: self._strike(name) for name in struck}
        self.until(
            lambda seen: all(not seen.up[name] and seen.new_reasons(name, before) for name in struck),
            f"outages of {', '.join(struck)}",
        )
        after = self.scrape()
        self._compare(before, after, {kind: expected.get(kind, frozenset()) | more for kind in KINDS})
        self.simulator.clear()
        self.until(lambda seen: all(seen.up[kind] for kind in KINDS), f"recovery of {', '.join(struck)}")

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
            if not reasons <= expected[name]:
                raise SoakFailedError(f"{name}: expected {set(expected[name])}, not {reasons}")
            self.outages.update(reasons)

    def scrape(self) -> Seen:
        self.memory.append(resident(self.exporter.process.pid))
        return Seen.of(self.exporter.metrics())

    def until(self, holds: Callable[[Seen], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        pause = threading.Event()
        while not holds(seen := self.scrape()):
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


# --- accidents --------------------------------------------------------------------------------------------------------


@contextmanager
def clock_set_back(soak: Soak) -> Iterator[None]:
    soak.exporter.clock.set(-SET_BACK)
    try:
        yield
    finally:
        soak.exporter.clock.set(0)


@contextmanager
def log_stuck(soak: Soak) -> Iterator[None]:
    with soak.exporter.log.stuck():
        yield


@contextmanager
def reload_failing(soak: Soak) -> Iterator[None]:
    soak.exporter.broken.touch()
    soak.exporter.reload()
    soak.until(lambda seen: not seen.reloaded, "a reload to fail")
    try:
        yield
    finally:
        soak.exporter.broken.unlink()
        soak.exporter.reload()


@contextmanager
def connections_forgotten(soak: Soak) -> Iterator[None]:
    soak.until(lambda _: soak.network.forget() > 0, "a connection to forget")
    yield
    # The second poll from now began after the loss: what the first reports may still come of it.
    polls = soak.scrape().polls
    soak.until(lambda seen: all(seen.polls[kind] >= polls[kind] + 2 for kind in KINDS), "polls after the loss")


ACCIDENTS: Sequence[Callable[[Soak], AbstractContextManager[None]]] = (
    clock_set_back,
    log_stuck,
    reload_failing,
    connections_forgotten,
)

LOST = frozenset({"timeout", "deadline"})
"""Why polls may fail whose connection was forgotten."""


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
    with (
        Simulator([*accounts.values()]) as simulator,
        nat(simulator.url) as network,
        exporter(simulator, network, accounts) as watched,
    ):
        run = Soak(simulator, network, watched, random.Random(seed))  # noqa: S311 - repeatable chance
        run.start()
        rounds = 0
        while going_on(rounds):
            run.round(rounds)
            rounds += 1
        polls, threads = sum(Seen.of(watched.metrics()).polls.values()), watched.threads
        code, left, seconds = watched.stop()
        requests = len(simulator.requests)
    if code != 0 or list(left) != ["MainThread"]:
        raise SoakFailedError(f"exit code {code}, threads left: {left}")
    if run.growth is not None and run.growth > GROWTH:
        raise SoakFailedError(f"memory grew by {run.growth / 2**20:.1f} MiB")
    return [
        f"{len(KINDS)} accounts, {rounds} rounds, {polls} polls, {requests} requests, {len(run.memory)} scrapes",
        f"{run.outages.total()} outages seen with the right reason and recovered from: {_listed(run.outages)}",
        f"amid accidents: {_listed(run.accidents)}",
        _memory(run),
        f"{threads} threads at the end, none left after {seconds:.1f} s of stopping",
    ]


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


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
    if sys.argv[1:2] == ["daemon"]:
        serve_hastily()
    else:
        sys.exit(main(*(number(text) for number, text in zip((float, int), sys.argv[1:], strict=False))))
