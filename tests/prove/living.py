"""Living through the faults: all at once, each mended as soon as all that has to come of it has come."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from csr_exporter.config.settings import duration
from csr_exporter.simulator import SimulatedAccount
from deploy.prometheus.rules import Thresholds
from tests.processes import DEADLINE, until
from tests.prove.faults import TROUBLES, Trouble
from tests.prove.place import FLEET, SHARED, Place, young_records
from tests.prove.watching import Alert, Message, Prometheus, watching

HEALTHY = "healthy"
PATIENCE = 5 * 3600.0
"""Seconds of the compressed clock that an alert may take to come, or to go."""

HISTORY = 3700.0
"""Seconds of the compressed clock before anything is wrong, for alerts that compare with an hour ago."""

NOTICED = 600.0
"""Seconds of the compressed clock after a repair within which a message may still come: a poll is due every 300."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What fired, what it said, which messages were sent, and when the faults struck and were mended."""

    fired: Mapping[str, Sequence[str]]
    said: Mapping[Alert, str]
    messages: Sequence[Message]
    struck: float
    mended: Mapping[str, float]
    factor: float

    def sent(self, job: str) -> list[Message]:
        return [each for each in self.messages if each.job == job]

    def times(self, job: str) -> list[str]:
        """The messages, with minutes since the faults struck, and of the repair."""
        told = [(each.at, each.alert) for each in self.sent(job)]
        told += [(self.mended[job], "mended")] if job in self.mended else []
        return [f"{what} {(at - self.struck) * self.factor / 60:.0f}m" for at, what in sorted(told)]

    def late(self, job: str) -> list[Message]:
        """Messages after the fault was mended and that could be seen."""
        end = self.mended.get(job)
        return [each for each in self.sent(job) if end is not None and each.at > end + NOTICED / self.factor]


def prove(
    factor: float,
    troubles: Sequence[Trouble] = TROUBLES,
    thresholds: Thresholds | None = None,
    history: float = HISTORY,
) -> Proof:
    """Live through *troubles*, with *history* seconds of the compressed clock before, and *thresholds* of the rules.

    Raises `AssertionError` when an alert that has to come does not, or does not end.
    """
    held = {HEALTHY: 60, **dict.fromkeys(FLEET, 60), **{each.job: each.held for each in troubles}}
    # Any offset, so that 260 CSRs can be read whole.
    accounts = [
        SimulatedAccount(name, records=young_records(seed, count), max_offset=None)
        for seed, (name, count) in enumerate(held.items())
    ]
    with tempfile.TemporaryDirectory() as directory, Place(Path(directory), factor, accounts) as place:
        prepare(place, troubles)
        with watching(Path(directory), factor, thresholds) as (prometheus, messages):
            _healthy(prometheus, history / factor)
            return _lived_through(place, troubles, prometheus, messages)


def prepare(place: Place, troubles: Sequence[Trouble]) -> None:
    """Start all exporters: one for the accounts that a fault strikes singly, and those of other faults."""
    single = [place.account(HEALTHY)]
    for trouble in troubles:
        if trouble.prepare:
            trouble.prepare(place)
        else:
            simulator = place.other_clock if trouble.other_clock else place.simulator
            single.append(place.account(trouble.job, simulator, **dict(trouble.settings)))
    place.configure(SHARED, single)
    place.start(SHARED, SHARED)


def _healthy(prometheus: Prometheus, history: float) -> None:
    """Wait for *history* seconds of healthy accounts."""
    until(lambda: prometheus.value("count(scm_csr_up == 0)") is None and prometheus.value("count(scm_csr_up)"))
    until(lambda: prometheus.value(f"count(scm_csr_reported offset {duration(history)})"), history + DEADLINE)
    assert prometheus.firing() == set(), "something fires before anything is wrong"


def _lived_through(place: Place, troubles: Sequence[Trouble], prometheus: Prometheus, messages: list[Message]) -> Proof:
    patience = PATIENCE / place.factor + DEADLINE
    struck = time.time()
    for trouble in troubles:
        trouble.strike(place)
    fired: dict[str, list[str]] = {}
    mended = _mended(place, troubles, prometheus, fired, patience)
    until(lambda: not _seen(prometheus, fired), patience)

    assert prometheus.unhealthy_rules() == []
    return Proof(fired, prometheus.said, messages, struck, mended, place.factor)


def _seen(prometheus: Prometheus, fired: dict[str, list[str]]) -> set[Alert]:
    """What fires now, noted in *fired* in the order it came."""
    firing = prometheus.firing()
    for alert, job in sorted(firing):
        if alert not in fired.setdefault(job, []):
            fired[job].append(alert)
    return firing


def _mended(
    place: Place,
    troubles: Sequence[Trouble],
    prometheus: Prometheus,
    fired: dict[str, list[str]],
    patience: float,
) -> dict[str, float]:
    """When each fault was mended, of those that can be."""
    open_faults = {each.job: each for each in troubles}
    mended: dict[str, float] = {}

    def all_mended() -> bool:
        _seen(prometheus, fired)
        for job, trouble in [*open_faults.items()]:
            if trouble.expected <= set(fired.get(job, ())):
                del open_faults[job]
                if trouble.mend:
                    trouble.mend(place)
                    mended[job] = time.time()
        return not open_faults

    deadline = time.monotonic() + patience
    until(lambda: all_mended() or time.monotonic() > deadline, patience + DEADLINE)
    missing = {job: each.expected - set(fired.get(job, ())) for job, each in open_faults.items()}
    assert not missing, f"did not fire: {missing}"
    return mended
