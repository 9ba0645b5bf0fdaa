"""A simulated cloud, real exporters, and a real Prometheus that scrapes them and has the hours before."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.dashboards.grafana import Prometheus, Window
from tests.dashboards.history import Clock, Replica, Scenario, Span, write
from tests.processes import until

HOUR = 3600.0
DAY = 24 * HOUR
SPAN = Span(length=3 * HOUR)
RANGE = 2.5 * HOUR
PATIENCE = 120.0
"""Seconds within which everything has to be up."""
BACKFILL = 300.0
"""Seconds that the history may take to become blocks."""

TOOLS = ("prometheus", "promtool")
"""The programs that the stage runs."""


# --- what is played ---------------------------------------------------------------------------------------------------

CHURN = 0.15
"""Changes per minute: one each 400 seconds, the last just before the end of the history, so that tests see none."""

PRODUCTION = SimulatedAccount("production", csrs=50, seed=1, churn_per_minute=CHURN)
STAGING = SimulatedAccount("staging", csrs=40, seed=2, offset_mode="page", churn_per_minute=CHURN)
SANDBOX = SimulatedAccount("sandbox", csrs=12, seed=3)
NUMBERS = SimulatedAccount("numbers", csrs=20, seed=4)
EMPTY = SimulatedAccount("empty", csrs=0)
SOUND = SimulatedAccount("sound", csrs=10, seed=5)
FAILING = SimulatedAccount("failing", csrs=10, seed=6)
LOCKED_OUT = SimulatedAccount("locked-out", csrs=10, seed=8)
SHARED = SimulatedAccount("shared", csrs=30, seed=7, churn_per_minute=CHURN)


def with_token(account: SimulatedAccount, _url: str) -> dict[str, Any]:
    """The credentials of *account* as a token."""
    return {"kind": "token", "token": account.token}


def with_password(account: SimulatedAccount, url: str) -> dict[str, Any]:
    """The credentials of *account* as a user with a password, at the IAM of the simulator at *url*."""
    return {
        "kind": "password",
        "user": account.user,
        "password": account.password,
        "domain": account.domain,
        "scope": {"domain": account.domain},
        "iam_endpoint": url,
    }


def _password_in_production(account: SimulatedAccount, url: str) -> dict[str, Any]:
    return (with_password if account is PRODUCTION else with_token)(account, url)


def _no_token_for_the_locked_out(account: SimulatedAccount, url: str) -> dict[str, Any]:
    return {"kind": "token", "token": "no longer valid"} if account is LOCKED_OUT else with_token(account, url)


def policy(now: float) -> dict[str, Any]:
    """Owners, rules that simulated CSRs break, and waivers: one in force, one that ends soon, one that has ended."""

    def day(days: float) -> str:
        return datetime.fromtimestamp(now + days * DAY, UTC).date().isoformat()

    return {
        "owners": [{"owner": "web", "domains": ["*.example.com"]}, {"owner": "shop", "domains": ["*shop*"]}],
        "policy": {
            "max_age": "398d",
            "allowed_algorithms": ["RSA_3072", "RSA_4096", "EC_P256", "EC_P384", "SM2"],
            "allowed_domains": ["*.example", "*.example.com", "*.example.net", "*.example.org"],
            "owner_required": True,
            "superseded_after": "30d",
        },
        "waivers": [
            _waiver("PKI-17", "max_age", "*-2024", day(120)),
            _waiver("PKI-23", "allowed_algorithms", "*s*", day(300)),
            _waiver("PKI-31", "owner_required", "*_*", day(9)),
            _waiver("PKI-8", "max_age", "*_*", day(-20)),
        ],
    }


def _waiver(name: str, rule: str, names: str, until: str) -> dict[str, Any]:
    return {"name": name, "rule": rule, "names": [names], "reason": "the appliance is replaced", "until": until}


def _scenario(job: str, *accounts: SimulatedAccount, **more: Any) -> Scenario:  # noqa: ANN401 - handed on
    usual: dict[str, Any] = {
        "settings": {},
        "credentials": with_token,
        "replicas": (Replica(job, f"{job}-0:10065"),),
    }
    return Scenario(accounts, **usual | more)


POLICY = policy(time.time())

SCENARIOS: dict[str, Scenario] = {
    "healthy": _scenario(
        "healthy",
        PRODUCTION,
        STAGING,
        SANDBOX,
        credentials=_password_in_production,
        limits={"production": 100},
        settings=POLICY,
    ),
    "series-off": _scenario("series-off", NUMBERS, settings=POLICY | {"per_csr": {"enabled": False}}),
    "empty": _scenario("empty", EMPTY),
    "failing": _scenario(
        "failing",
        SOUND,
        FAILING,
        LOCKED_OUT,
        settings=POLICY,
        credentials=_no_token_for_the_locked_out,
        events=((1.5 * HOUR, lambda simulator: simulator.expire_tokens("failing")),),
    ),
    "replicas": _scenario(
        "replicas",
        SHARED,
        settings=POLICY,
        replicas=(Replica("replicas", "replicas-0:10065"), Replica("replicas", "replicas-1:10065", lag=140)),
    ),
}
"""By the job that Prometheus scrapes them as: the variable *job* then chooses one."""

RULES = yaml.safe_dump(
    {
        "groups": [
            {
                "name": "stand-in",
                "rules": [
                    {
                        "alert": "ScmCsrStandIn",
                        "expr": "max by (account) (scm_csr_oldest_age_seconds) > 365 * 86400",
                        "labels": {"severity": "warning"},
                    }
                ],
            }
        ]
    }
)
"""An alert that fires, so that there is one to be listed."""


# --- the stage --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything, running, and the time range to look at."""

    prometheus: Prometheus
    window: Window


@contextmanager
def stage(
    folder: Path, scenarios: Sequence[Scenario] = tuple(SCENARIOS.values()), span: Span = SPAN, rules: str = RULES
) -> Iterator[Stage]:
    """Everything, set up in *folder*, until the block ends."""
    clock = Clock(span.length)
    accounts = [account for scenario in scenarios for account in scenario.accounts]
    with Simulator(accounts, clock=clock) as simulator, ExitStack() as running:
        with (folder / "history.txt").open("w", encoding="utf-8") as out:
            write(scenarios, simulator, clock, span, out)
        _backfill(folder)
        started = time.time()
        exporters = {
            replica: running.enter_context(_exporter(folder, scenario, replica, simulator.url))
            for scenario in scenarios
            for replica in scenario.replicas
        }
        addresses = {replica: _announced(exporter) for replica, exporter in exporters.items()}
        prometheus = Prometheus(running.enter_context(_prometheus(folder, addresses, rules)))
        end = _scraped(prometheus, len(addresses), started)
        yield Stage(prometheus, Window(end - RANGE, end))


def _backfill(folder: Path) -> None:
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "history.txt", "data"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=BACKFILL)


@contextmanager
def _exporter(folder: Path, scenario: Scenario, replica: Replica, url: str) -> Iterator[subprocess.Popen[str]]:
    """An exporter, starting."""
    content = scenario.content(url)
    file = folder / f"{replica.instance.replace(':', '-')}.yml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "csr_exporter",
        "run",
        f"--config.file={file}",
        "--web.listen-address=127.0.0.1:0",
    ]
    with _process(command, folder / f"{file.stem}.log") as process:
        yield process


def _announced(exporter: subprocess.Popen[str]) -> str:
    """The address that an exporter says it listens on, once it does."""
    assert exporter.stdout
    return exporter.stdout.readline().removeprefix("listening on http://").strip()


@contextmanager
def _prometheus(folder: Path, addresses: dict[Replica, str], rules: str) -> Iterator[str]:
    """The address of a Prometheus that has the history and scrapes *addresses*."""
    scrapes = [
        {
            "job_name": f"{replica.instance}",
            "static_configs": [{"targets": [address], "labels": replica.labels}],
        }
        for replica, address in addresses.items()
    ]
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (folder / "rules.yml").write_text(rules, encoding="utf-8")
    config = {"global": every, "rule_files": ["rules.yml"], "scrape_configs": scrapes}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    log = folder / "prometheus.log"
    with _process([*command, "--web.listen-address=127.0.0.1:0"], log):
        yield f"http://{until(lambda: _address_in(log))}"


def _address_in(log: Path) -> str:
    """The address that Prometheus says it listens on, once it does."""
    for line in log.read_text(encoding="utf-8").splitlines():
        if 'msg="Listening on"' in line:
            return line.partition("address=")[2].split()[0]
    return ""


def _scraped(prometheus: Prometheus, exporters: int, started: float) -> float:
    """When every exporter had been scraped several times, all of its accounts polled since *started*, and rules ran."""
    wanted = (
        "count(count_over_time(up[1m]) >= 3)",
        f"count(min by (instance) (csr_exporter_last_poll_timestamp_seconds) > {started})",
        "count(increase(process_cpu_seconds_total[3s]))",
    )

    def ready() -> float:
        now = time.time()
        try:
            counts = [sum(series.values[0] for series in prometheus.instant(expr, now)) for expr in wanted]
            alerts = prometheus.instant("ALERTS", now)
        except (OSError, ValueError):
            return 0.0
        return now if alerts and set(counts) == {exporters} else 0.0

    return until(ready, PATIENCE)


@contextmanager
def _process(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """A process, its standard error in *log*, ended with the block."""
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE)
            if process.stdout:
                process.stdout.close()
