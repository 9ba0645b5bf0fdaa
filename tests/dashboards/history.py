"""What the exporter would have printed during the last hours, had it run: real polls of the simulator at its own time.

Text for ``promtool tsdb create-blocks-from openmetrics``, with the labels that a scrape adds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.samples import Sample

from csr_exporter.cloud.auth import Leases
from csr_exporter.config import Config
from csr_exporter.exposition import OPENMETRICS
from csr_exporter.metrics import exporter_families, families
from csr_exporter.polling.accounts import exposed_by, poller_for
from csr_exporter.polling.poller import Poller
from csr_exporter.simulator import SimulatedAccount, Simulator
from csr_exporter.status import Reloads


class Clock:
    """The time of the simulated cloud, some seconds behind; it runs on from where it is set."""

    def __init__(self, behind: float) -> None:
        self.behind = behind

    def __call__(self) -> float:
        return time.time() - self.behind


@dataclass(frozen=True, slots=True)
class Replica:
    """One exporter: the labels of its scrape, and how far into each poll interval it asks."""

    job: str
    instance: str
    lag: float = 0.0

    @property
    def labels(self) -> dict[str, str]:
        return {"job": self.job, "instance": self.instance}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A deployment: what is configured, its replicas, and what happens *events* seconds before the end."""

    accounts: tuple[SimulatedAccount, ...]
    settings: dict[str, Any]
    replicas: tuple[Replica, ...]
    credentials: Callable[[SimulatedAccount, str], dict[str, Any]]
    limits: dict[str, int] = field(default_factory=dict)
    events: tuple[tuple[float, Callable[[Simulator], None]], ...] = ()

    def content(self, url: str) -> dict[str, Any]:
        """The configuration file, for the simulator at *url*."""
        accounts = [
            {
                "name": account.name,
                "endpoint": url,
                "credentials": self.credentials(account, url),
                **({"limit": self.limits[account.name]} if account.name in self.limits else {}),
            }
            for account in self.accounts
        ]
        return {"max_requests_per_second": 1000, **self.settings, "accounts": accounts}


@dataclass(frozen=True, slots=True)
class Span:
    """The history: how long it is, and how often accounts are polled and exporters scraped. All in seconds."""

    length: float
    poll: float = 300.0
    scrape: float = 180.0


class _Deployment:
    """One replica of a scenario, polling in simulated time."""

    def __init__(self, scenario: Scenario, replica: Replica, url: str, clock: Clock) -> None:
        self._config = Config.model_validate(scenario.content(url), context={"directory": Path()})
        self._exposed = exposed_by(self._config)
        self._clock = clock
        self._leases = Leases(clock)
        self.pollers = [self._poller(account.name) for account in scenario.accounts]
        self.replica = replica
        self._reloads = Reloads("3f0c8a51d2b94e67", clock(), accounts=len(scenario.accounts))
        self._process = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector):
            collector(registry=self._process)
        self._started_at = clock()

    def _poller(self, name: str) -> Poller:
        account = next(account for account in self._config.accounts if account.name == name)
        return poller_for(self._config, account, self._leases, sleep=lambda _: None, now=self._clock)

    def text(self) -> str:
        """What a scrape gives now, with time and labels; without the end mark."""
        now = self._clock()
        started = time.perf_counter()
        written = OPENMETRICS.write(self._dated(metric, now) for metric in self._families(now))
        text = written.removesuffix(OPENMETRICS.end).decode()
        return text + self._of_prometheus(text, time.perf_counter() - started, now)

    def _of_prometheus(self, text: str, seconds: float, now: float) -> str:
        """The series that Prometheus makes of a scrape."""
        labels = ",".join(f'{name}="{value}"' for name, value in self.replica.labels.items())
        samples = sum(not line.startswith("#") for line in text.splitlines())
        told = {"up": 1, "scrape_duration_seconds": seconds, "scrape_samples_scraped": samples}
        return "".join(f"# TYPE {name} gauge\n{name}{{{labels}}} {value} {now}\n" for name, value in told.items())

    def _families(self, now: float) -> Iterator[Metric]:
        yield from families([poller.status for poller in self.pollers], self._exposed, now)
        yield from exporter_families(self._reloads, waivers=self._exposed.policy.waivers)
        yield from self._process.collect()

    def _dated(self, metric: Metric, now: float) -> Metric:
        dated = Metric(metric.name, metric.documentation, metric.type, metric.unit)
        for sample in metric.samples:
            value = self._started_at if sample.name == "process_start_time_seconds" else sample.value
            dated.samples.append(Sample(sample.name, {**sample.labels, **self.replica.labels}, value, now, None))
        return dated


def write(scenarios: Sequence[Scenario], simulator: Simulator, clock: Clock, span: Span, out: TextIO) -> None:
    """Live through *span*, which ends at the present, and write what each replica would have been scraped for."""
    deployments = [
        _Deployment(scenario, replica, simulator.url, clock) for scenario in scenarios for replica in scenario.replicas
    ]
    for behind, action in _agenda(scenarios, deployments, simulator, span, out):
        clock.behind = behind
        action()
    clock.behind = 0.0
    out.write("# EOF\n")


def _agenda(
    scenarios: Sequence[Scenario],
    deployments: Sequence[_Deployment],
    simulator: Simulator,
    span: Span,
    out: TextIO,
) -> list[tuple[float, Callable[[], object]]]:
    """What to do, with how long before the present, in order."""
    agenda: list[tuple[float, Callable[[], object]]] = [
        (at, lambda act=act: act(simulator))  # type: ignore[misc] # mypy cannot infer a lambda with a default
        for scenario in scenarios
        for at, act in scenario.events
    ]
    for deployment in deployments:
        polls = _moments(span.length - deployment.replica.lag, span.poll)
        agenda += [(at, poller.poll) for at in polls for poller in deployment.pollers]
        agenda += [
            (at, lambda text=deployment.text: out.write(text()))  # type: ignore[misc] # likewise
            for at in _moments(span.length - 30, span.scrape)
        ]
    return sorted(agenda, key=lambda entry: -entry[0])


def _moments(first: float, step: float) -> list[float]:
    return [first - number * step for number in range(int(first // step) + 1) if first - number * step > 0]
