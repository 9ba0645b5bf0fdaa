"""The simulated cloud: beside the exporter for a look at it, or alone for compose files and tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from csr_exporter.commands import run as daemon
from csr_exporter.config import Config
from csr_exporter.simulator import SimulatedAccount, Simulator, serve
from csr_exporter.web.listeners import WebOptions
from csr_exporter.web.server import Address, Listener

ACCOUNTS = (
    SimulatedAccount("production", csrs=420, seed=1, offset_mode="record", churn_per_minute=4),
    SimulatedAccount("staging", csrs=230, seed=2, offset_mode="page", churn_per_minute=2),
    SimulatedAccount("payments", csrs=75, seed=3, offset_mode="page1", churn_per_minute=1),
    SimulatedAccount("sandbox", csrs=18, seed=4, offset_mode="ignored"),
)


def configuration(accounts: Sequence[SimulatedAccount], url: str) -> dict[str, Any]:
    """A configuration, as YAML would give it, for the simulated *accounts* at *url*."""
    return {
        "poll_interval": "10s",
        "accounts": [
            {
                "name": account.name,
                "endpoint": url,
                "credentials": {"kind": "aksk", "access_key": account.access_key, "secret_key": account.secret_key},
            }
            for account in accounts
        ],
    }


def run(address: Address, ready: Callable[[Sequence[Listener]], None]) -> None:
    """Serve the exporter of a simulated cloud at *address* until a signal arrives."""
    with Simulator(ACCOUNTS) as simulator:
        config = Config.model_validate(configuration(ACCOUNTS, simulator.url), context={"directory": Path()})

        def announce(listeners: Sequence[Listener]) -> None:
            ready(listeners)
            click.echo(f"status page at {listeners[0].urls[0]}/")
            click.echo(f"metrics at {listeners[0].urls[0]}/metrics")
            click.echo(f"{len(ACCOUNTS)} accounts at a simulated cloud, {simulator.url}; stop with Ctrl-C")

        daemon.run(lambda: config, WebOptions([address]), announce)


def simulate(host: str, port: int, accounts: int, csrs: int, seed: int, churn: float, **behaviour: Any) -> None:  # noqa: ANN401 - handed on
    """Serve *accounts* simulated accounts until a signal arrives. Raises `OSError`."""
    names = ["default"] if accounts == 1 else [f"account-{number:04}" for number in range(1, accounts + 1)]
    simulated = [
        SimulatedAccount(name, csrs=csrs, seed=seed + number, churn_per_minute=churn, **behaviour)
        for number, name in enumerate(names)
    ]

    def announce(url: str) -> None:
        click.echo(f"listening on {url}")
        click.echo(yaml.safe_dump(configuration(simulated, url), sort_keys=False), nl=False)

    serve(simulated, host, port, announce)
