"""Where faults happen: simulated accounts, and exporters that poll them at a compressed clock."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import yaml

from csr_exporter.simulator import SimulatedAccount, Simulator
from csr_exporter.simulator.records import Generator
from tests.processes import Running

SHARED = "shared"
"""The exporter of all faults that strike a single account."""

FLEET = ("payments", "staging", "shop", "sandbox")
"""Accounts that nothing happens to, for faults of exporters."""


def young_records(seed: int, count: int) -> tuple[dict[str, Any], ...]:
    """Records of the last three months, none of which an alert about age or algorithm has to name."""
    generator, now = Generator(seed), time.time()
    made = [generator.record(now - 90 * 86400 * number / count, now) for number in range(count)]
    return tuple(each | {"private_key_algo": "EC_P256"} for each in made)


def write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


class Place:
    """The accounts of the simulated cloud and the exporters that run now, each a target of Prometheus."""

    def __init__(self, directory: Path, factor: float, accounts: Sequence[SimulatedAccount]) -> None:
        self.directory = directory
        self.factor = factor
        self.accounts = {each.name: each for each in accounts}
        self.simulator = Simulator(accounts)
        self.ahead = 0.0
        """Seconds that the clock of the other simulated cloud is ahead of ours."""
        self.other_clock = Simulator(accounts, clock=lambda: time.time() + self.ahead)
        self.exporters: dict[str, Running] = {}
        self._targets: dict[str, dict[str, Any]] = {}
        self._hidden: set[str] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self.simulator)
        self._stack.enter_context(self.other_clock)
        for name, account in self.accounts.items():
            write(self.secret_file(name), account.secret_key)
        self._publish()
        return self

    def __exit__(self, *_: object) -> None:
        for name in [*self.exporters]:
            self.end(name)
        self._stack.close()

    def secret_file(self, account: str) -> Path:
        return self.directory / f"{account}.secret"

    def config_file(self, name: str) -> Path:
        return self.directory / f"{name}.yml"

    def account(self, name: str, simulator: Simulator | None = None, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - settings
        """The configuration of account *name*."""
        credentials = {
            "kind": "aksk",
            "access_key": self.accounts[name].access_key,
            "secret_key_file": str(self.secret_file(name)),
        }
        endpoint = (simulator or self.simulator).url
        return {"name": name, "endpoint": endpoint, "max_offset": None, "credentials": credentials, **settings}

    def configure(self, name: str, accounts: Sequence[Mapping[str, Any]], **settings: Any) -> None:  # noqa: ANN401 - settings
        write(self.config_file(name), yaml.safe_dump({"accounts": accounts, **settings}))

    def start(self, name: str, job: str, shard: str = "0/1") -> None:
        """An exporter *name* with the configuration of that name, a target of *job*; at the port it had before.

        Prometheus takes in new targets every five seconds only, however fast the clock runs.
        """
        port = self._targets[name]["targets"][0].rpartition(":")[2] if name in self._targets else "0"
        command = [sys.executable, "-m", "tests.compressed", str(self.config_file(name)), str(self.factor), shard, port]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.exporters[name] = Running(process)
        address = self.exporters[name].url.removeprefix("http://")
        self._targets[name] = {"targets": [address], "labels": {"job": job, "pod": name}}
        self._publish()

    def fleet(self, job: str, *names: str, accounts: Sequence[str] = FLEET, shards: bool = False) -> None:
        """Exporters *names* of one *job* and configuration: replicas, or shards."""
        for number, name in enumerate(names):
            self.configure(name, [self.account(each) for each in accounts])
            self.start(name, job, f"{number}/{len(names)}" if shards else "0/1")

    def end(self, name: str) -> None:
        """Kill exporter *name*, which stays a target."""
        self.exporters.pop(name).stop(signal.SIGKILL)

    def forget(self, name: str) -> None:
        """Take exporter *name* from the targets."""
        self._hidden.add(name)
        self._publish()

    def remember(self, name: str) -> None:
        """Make exporter *name* a target again."""
        self._hidden.remove(name)
        self._publish()

    def reload(self, name: str) -> None:
        self.exporters[name].process.send_signal(signal.SIGHUP)

    def _publish(self) -> None:
        new = self.directory / "targets.json.new"
        write(new, json.dumps([target for name, target in self._targets.items() if name not in self._hidden]))
        new.replace(self.directory / "targets.json")
