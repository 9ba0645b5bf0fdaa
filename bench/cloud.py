"""The simulated cloud in a process of its own: ``python -m bench.cloud ACCOUNTS CSRS LATENCY``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.processes import python
from csr_exporter.commands.demo import configuration
from csr_exporter.simulator import SimulatedAccount, serve


@contextmanager
def cloud(accounts: int, csrs: int, latency: float = 0.0) -> Iterator[dict[str, Any]]:
    """A configuration for *accounts* of *csrs* each, which takes offsets for pages and sets them no bound.

    It answers after *latency* seconds.
    """
    with python("bench.cloud", str(accounts), str(csrs), str(latency)) as process:
        yield json.loads(process.hear())


def simulated(accounts: int, csrs: int, latency: float = 0.0) -> list[SimulatedAccount]:
    """The accounts, always the same."""
    return [
        SimulatedAccount(
            f"account-{number:04}", csrs=csrs, seed=number, offset_mode="page", max_offset=None, latency=latency
        )
        for number in range(accounts)
    ]


def main() -> None:
    """Serve, and say with which configuration, until the process is terminated."""
    number, csrs, latency = sys.argv[1:]
    accounts = simulated(int(number), int(csrs), float(latency))

    def announce(url: str) -> None:
        config = configuration(accounts, url)
        del config["poll_interval"]
        for account in config["accounts"]:
            account["max_offset"] = None
        sys.stdout.write(f"{json.dumps(config)}\n")
        sys.stdout.flush()

    serve(accounts, "127.0.0.1", 0, announce)


if __name__ == "__main__":
    main()
