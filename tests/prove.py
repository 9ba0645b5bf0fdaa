"""What a running Prometheus makes of the rules while a simulated cloud fails: ``python -m tests.prove [FACTOR]``.

Simulator, exporter and Prometheus are real, the clock runs faster: every span of the rules, the exporter's interval and
Prometheus' look-back are divided by one factor. Each fault strikes an account of its own, all at once; one account is
left in peace.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from csr_exporter.config.settings import duration
from csr_exporter.simulator import Fault, SimulatedAccount, Simulator, Throttle, outage
from csr_exporter.simulator.records import Generator
from deploy.prometheus import rules
from tests.processes import DEADLINE, Running, prometheus_in, tool, until

FACTOR = 120.0
STEP = 60.0
"""Seconds of the compressed clock between two scrapes, and between two evaluations."""

PAGE = Path(__file__).parent.parent / "docs" / "alerts-proof.md"

HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault, the account that it strikes, and the alerts that have to come of it."""

    account: str
    what: str
    strike: Callable[[Place], None]
    expected: frozenset[str]
    mend: Callable[[Place], None] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """What a fault can be done to."""

    simulator: Simulator
    accounts: Mapping[str, SimulatedAccount]
    directory: Path

    def secret_file(self, account: str) -> Path:
        return self.directory / f"{account}.secret"


def _remove_most(place: Place) -> None:
    for record in place.simulator.records("removal")[:40]:
        place.simulator.remove("removal", record["id"])


def _add_many(place: Place) -> None:
    for record in young_records(seed=200, count=200):
        place.simulator.add("growth", record)


TROUBLES = (
    Trouble(
        "outage",
        "outage: every connection is closed without a reply",
        lambda place: place.simulator.inject("outage", outage(3600)),
        frozenset({"ScmCsrPollsFailing", "ScmCsrDataStale", "ScmCsrDataVeryStale"}),
        lambda place: place.simulator.clear("outage"),
    ),
    Trouble(
        "secret",
        "wrong secret in the secret file",
        lambda place: _write(place.secret_file("secret"), "wrong"),
        frozenset({"ScmCsrUnauthorized", "ScmCsrDataStale", "ScmCsrDataVeryStale"}),
        lambda place: _write(place.secret_file("secret"), place.accounts["secret"].secret_key),
    ),
    Trouble(
        "throttling",
        "throttling: almost every request is answered 429",
        lambda place: place.simulator.inject("throttling", Fault(Throttle(per_second=0.2))),
        frozenset({"ScmCsrPollsThrottled", "ScmCsrApiThrottled", "ScmCsrDataStale"}),
        lambda place: place.simulator.clear("throttling"),
    ),
    Trouble(
        "removal",
        "mass deletion: 40 of 60 CSRs",
        _remove_most,
        frozenset({"ScmCsrMassRemoval", "ScmCsrUnexpectedRemoval"}),
    ),
    Trouble(
        "growth",
        "200 new CSRs within an hour",
        _add_many,
        frozenset({"ScmCsrGrowthBurst"}),
    ),
)


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def young_records(seed: int, count: int) -> tuple[dict[str, object], ...]:
    """Records of the last three months, none of which an alert about age or algorithm has to name."""
    generator, now = Generator(seed), time.time()
    made = [generator.record(now - 90 * 86400 * number / count, now) for number in range(count)]
    return tuple(each | {"private_key_algo": "EC_P256"} for each in made)


@dataclass(frozen=True, slots=True)
class Raised:
    """One alert as Prometheus had it: when it fired first and last, in Unix seconds."""

    alert: str
    account: str
    severity: str
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Proof:
    """All alerts that fired and what they said, when the faults struck, and when those that can be were mended."""

    raised: tuple[Raised, ...]
    said: Mapping[tuple[str, str], str]
    struck: float
    mended: Mapping[str, float]
    factor: float


def prove(factor: float) -> Proof:
    """Live through the faults. Raises `AssertionError` when an alert that has to come does not, or does not end."""
    prometheus = tool("prometheus", "prometheus")
    accounts = {
        # Any offset, so that 260 CSRs can be read whole.
        name: SimulatedAccount(name, records=young_records(seed, 60), max_offset=None)
        for seed, name in enumerate((HEALTHY, *(trouble.account for trouble in TROUBLES)))
    }
    with (
        tempfile.TemporaryDirectory() as directory,
        Simulator([*accounts.values()]) as simulator,
    ):
        place = Place(simulator, accounts, Path(directory))
        with _exporter(place, factor) as exporter, _watching(prometheus, exporter, place.directory, factor) as address:
            return _lived_through(place, _Prometheus(address), factor)


@contextmanager
def _exporter(place: Place, factor: float) -> Iterator[Running]:
    configured = []
    for name, account in place.accounts.items():
        _write(place.secret_file(name), account.secret_key)
        credentials = {
            "kind": "aksk",
            "access_key": account.access_key,
            "secret_key_file": str(place.secret_file(name)),
        }
        configured.append(
            {"name": name, "endpoint": place.simulator.url, "max_offset": None, "credentials": credentials}
        )
    file = place.directory / "config.yml"
    _write(file, yaml.safe_dump({"accounts": configured}))
    command = [sys.executable, "-m", "tests.compressed", str(file), str(factor)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        running = Running(process)
        try:
            yield running.ready()
        finally:
            running.stop()


@contextmanager
def _watching(program: Path, exporter: Running, directory: Path, factor: float) -> Iterator[str]:
    """The address of a Prometheus with the rules, at the compressed clock; nobody waits for a whole day to pass."""
    _write(directory / "rules.yml", rules.text({"growth_window": "2h"}, factor))
    step = duration(STEP / factor)
    target = exporter.url.removeprefix("http://")
    settings = {
        "global": {"scrape_interval": step, "scrape_timeout": step, "evaluation_interval": step},
        "rule_files": [str(directory / "rules.yml")],
        "scrape_configs": [{"job_name": "csr-exporter", "static_configs": [{"targets": [target]}]}],
    }
    _write(directory / "prometheus.yml", yaml.safe_dump(settings))
    with prometheus_in(program, directory, f"--query.lookback-delta={duration(300 / factor)}") as url:
        yield url


class _Prometheus:
    """What is asked of the HTTP API."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.said: dict[tuple[str, str], str] = {}
        """Descriptions by name and account, as of when the alert was seen first."""

    def _get(self, path: str, **parameters: str | float) -> Any:  # noqa: ANN401 - whatever the API gives
        response = requests.get(f"{self._address}/api/v1/{path}", params=parameters, timeout=DEADLINE)
        response.raise_for_status()
        return response.json()["data"]

    def value(self, query: str) -> float | None:
        """The one value of *query*, None where there is none or Prometheus is not there yet."""
        try:
            result = self._get("query", query=query)["result"]
        except requests.RequestException:
            return None
        return float(result[0]["value"][1]) if result else None

    def firing(self) -> set[tuple[str, str]]:
        """Names and accounts of the alerts that fire now."""
        found = set()
        for each in self._get("alerts")["alerts"]:
            if each["state"] == "firing":
                key = (each["labels"]["alertname"], each["labels"].get("account", ""))
                self.said.setdefault(key, each["annotations"]["description"])
                found.add(key)
        return found

    def unhealthy_rules(self) -> list[str]:
        """Rules whose evaluation failed."""
        groups = self._get("rules")["groups"]
        return [rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "err"]

    def raised(self, start: float, end: float, step: float) -> Iterator[Raised]:
        """What fired between *start* and *end*, in Unix seconds."""
        found = self._get("query_range", query='ALERTS{alertstate="firing"}', start=start, end=end, step=step)
        for each in found["result"]:
            labels, times = each["metric"], [float(moment) for moment, _ in each["values"]]
            yield Raised(labels["alertname"], labels.get("account", ""), labels["severity"], min(times), max(times))


def _lived_through(place: Place, prometheus: _Prometheus, factor: float) -> Proof:
    patience = 8 * 3600 / factor + DEADLINE
    started_at = time.time()
    until(lambda: prometheus.value("count(scm_csr_up == 1)") == len(place.accounts))
    # An hour of history, for what compares with an hour ago.
    until(lambda: prometheus.value(f"count(scm_csr_reported offset {duration(3700 / factor)})"), patience)
    assert prometheus.firing() == set(), "something fires before anything is wrong"

    struck = time.time()
    for trouble in TROUBLES:
        trouble.strike(place)
    mended = _mended(place, prometheus, patience)
    until(lambda: not prometheus.firing(), patience)
    ended = time.time()

    assert prometheus.unhealthy_rules() == []
    raised = sorted(prometheus.raised(started_at, ended, STEP / factor), key=lambda each: each.first)
    assert {each.account for each in raised} <= {trouble.account for trouble in TROUBLES}
    return Proof(tuple(raised), prometheus.said, struck, mended, factor)


def _mended(place: Place, prometheus: _Prometheus, patience: float) -> dict[str, float]:
    """When each fault was mended, which is as soon as all that has to come of it has come."""
    seen: set[tuple[str, str]] = set()
    mended: dict[str, float] = {}

    def all_mended() -> bool:
        seen.update(prometheus.firing())
        for trouble in TROUBLES:
            if trouble.account not in mended and {(alert, trouble.account) for alert in trouble.expected} <= seen:
                mended[trouble.account] = time.time()
                if trouble.mend:
                    trouble.mend(place)
        return len(mended) == len(TROUBLES)

    until(all_mended, patience)
    return mended


def page(proof: Proof) -> Iterator[str]:
    """The proof as a page, line by line."""
    yield "# Alerts, proven"
    yield ""
    yield f"""\
Written by `make prove`: a real exporter polls the simulated cloud, a real Prometheus evaluates the rules, and the clock
runs {proof.factor:g} times faster. Five faults strike at once, each in an account of its own; a sixth account stays
healthy. The run fails if an expected alert does not fire, if one does not resolve, or if the healthy account raises
any. *Fired* counts from the fault, *resolved* from the repair, or from the fault if there is nothing to repair;
`growth_window` is 2h instead of a day."""
    yield ""
    yield "| fault | alert | severity | fired | resolved |"
    yield "| --- | --- | --- | --- | --- |"
    for trouble in TROUBLES:
        over = proof.mended[trouble.account] if trouble.mend else proof.struck
        for each in proof.raised:
            if each.account == trouble.account:
                link = f"[{each.alert}](runbooks/{each.alert}.md)"
                fired, resolved = _minutes(each.first - proof.struck, proof), _minutes(each.last - over, proof)
                yield f"| {trouble.what} | {link} | {each.severity} | {fired} | {resolved} |"


def _minutes(seconds: float, proof: Proof) -> str:
    return f"{max(0.0, seconds * proof.factor / 60):.0f}m"


def main() -> None:
    """Write the page."""
    started_at = time.monotonic()
    proof = prove(float(sys.argv[1]) if len(sys.argv) > 1 else FACTOR)
    PAGE.write_text("\n".join(page(proof)) + "\n", encoding="utf-8")
    sys.stdout.write(
        f"{PAGE.read_text(encoding='utf-8')}\nwrote {PAGE.name} after {time.monotonic() - started_at:.0f} s\n"
    )


if __name__ == "__main__":
    main()
