"""The simulated cloud in its own process: ``python -m bench.cloud ACCOUNTS CSRS``."""

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
def cloud(accounts: int, csrs: int) -> Iterator[dict[str, Any]]:
    """Serve *accounts* of *csrs* each, whose offsets count pages without a bound; yield a configuration for them."""
    with python("bench.cloud", str(accounts), str(csrs)) as process:
        yield json.loads(process.hear())


def simulated(accounts: int, csrs: int) -> list[SimulatedAccount]:
    """The accounts, the same in every run."""
    return [
        SimulatedAccount(f"account-{number:04}", csrs=csrs, seed=number, offset_mode="page", max_offset=None)
        for number in range(accounts)
    ]


def main() -> None:
    """Print the configuration and serve until terminated."""
    accounts = simulated(*map(int, sys.argv[1:]))

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
