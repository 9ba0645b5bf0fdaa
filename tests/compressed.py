"""The exporter, at a clock that runs some times faster: ``python -m tests.compressed CONFIG.yml FACTOR SHARD PORT``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from csr_exporter import logs
from csr_exporter.cloud.auth import PASSWORD_PAUSE, Auth
from csr_exporter.commands import run as daemon
from csr_exporter.config import Config, read_config
from csr_exporter.polling.sharding import Shard
from csr_exporter.web.listeners import WebOptions
from csr_exporter.web.server import Address

POLL_TIMEOUT = 120.0
"""Seconds. Pauses before a retry are not compressed, so there is none."""


def compressed(file: Path, factor: float) -> Config:
    """The configuration in *file* with all spans divided by *factor*, below what a user may set them to."""
    config = read_config(file)
    return config.model_copy(
        update={
            "poll_interval": config.poll_interval / factor,
            "poll_timeout": POLL_TIMEOUT / factor,
            "stale_after": (config.stale_after or 0.0) / factor,
            "max_requests_per_second": config.max_requests_per_second * factor,
        }
    )


def main(file: str, factor: str, shard: str, port: str) -> None:
    """Serve on *port* of loopback, 0 for a free one, until a signal arrives."""
    logs.configure("warning", "logfmt")
    # The longer pause of the two, for the lock of the cloud, at more than five refusals, is not compressed.
    Auth.pause = PASSWORD_PAUSE / float(factor)
    daemon.run(
        lambda: compressed(Path(file), float(factor)),
        WebOptions([Address("127.0.0.1", int(port))]),
        lambda listeners: click.echo(f"listening on {listeners[0].urls[0]}"),
        Shard.parse(shard, ""),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
