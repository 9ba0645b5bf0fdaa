"""Whether hanging accounts delay others: when polls begin against when they are due.

``python -m bench.late HANGING`` polls for `SECONDS` with the configuration in the first line of standard input.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from bench.cloud import cloud
from bench.processes import python
from bench.table import Figure, Row

ACCOUNTS = 1_000
CSRS = 50
HANGING = 50
POLL_INTERVAL = 60
SECONDS = 150
SAMPLING = 0.02
"""Seconds between samples, and so the precision of the result."""


def rows() -> Iterator[Row]:
    """The same accounts, once with some that hang and once with none."""
    late, undisturbed = _lateness(HANGING), _lateness(0)
    what = f"polls of {ACCOUNTS - HANGING} accounts begin late, each {POLL_INTERVAL} s, while {HANGING} others hang"
    for name in late:
        yield Row(f"{what}, {name}", Figure((late[name],)), Figure((undisturbed[name],)), "none hangs")


def _lateness(hanging: int) -> dict[str, float]:
    with cloud(ACCOUNTS, CSRS) as config, python("bench.late", str(hanging)) as process:
        process.tell(json.dumps({**config, "poll_interval": f"{POLL_INTERVAL}s"}))
        found: dict[str, float] = json.loads(process.hear())
        return found


def main() -> None:
    """Poll, and print the median and the 99th percentile of the delay of accounts that answer."""
    from csr_exporter.commands.run import Daemon  # noqa: PLC0415 - only the child process needs it
    from csr_exporter.config import Config  # noqa: PLC0415 - likewise
    from csr_exporter.logs import configure  # noqa: PLC0415 - likewise

    configure("error", "logfmt")
    config = json.loads(sys.stdin.readline())
    hanging = [account["name"] for account in config["accounts"][: int(sys.argv[1])]]
    _hang(config["accounts"][0]["endpoint"], hanging)
    valid = Config.model_validate(config, context={"directory": Path()})
    daemon = Daemon(lambda: valid)
    with daemon.polling():
        late = sorted(_watched(daemon, set(hanging)))
    percentiles = statistics.quantiles(late, n=100)
    sys.stdout.write(f"{json.dumps({'median': percentiles[49], 'p99': percentiles[98]})}\n")


def _hang(url: str, accounts: list[str]) -> None:
    effect = {"kind": "break", "by": "hang"}
    faults = [{"account": name, "effect": effect} for name in accounts]
    requests.put(f"{url}/_simulator/faults", json={"faults": faults}, timeout=60).raise_for_status()


def _watched(daemon: Any, hanging: set[str]) -> Iterator[float]:  # noqa: ANN401 - imported where it is needed
    """Seconds from when each poll was due to when it began, which shows in the time of the next one."""
    due: dict[str, float] = {}
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        now = time.time()
        for status in daemon.statuses:
            name, next_poll = status.account.name, status.next_poll
            if next_poll is not None and name not in hanging:
                if due.get(name, next_poll) != next_poll:
                    yield max(0.0, now - due[name])
                due[name] = next_poll
        time.sleep(SAMPLING)


if __name__ == "__main__":
    main()
