"""What goes into the configuration of others: of Prometheus a job, of IAM a policy. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ACTION = "scm::listCsr"
"""The one action that the exporter needs. Source: "Querying the CSR List", Authorization Information."""

SCRAPE_INTERVAL = "1m"


@dataclass(frozen=True, slots=True)
class Served:
    """Where the exporter will listen, and how it is to be asked there. *prefix* is empty or such as ``/csr``."""

    host: str
    port: int
    prefix: str = ""
    secure: bool = False
    users: bool = False

    @property
    def target(self) -> str:
        """The address as Prometheus on the same machine has it."""
        host = "localhost" if self.host in {"", "0.0.0.0", "::"} else self.host  # noqa: S104 - all addresses, this one too
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def scrape_config(served: Served, accounts: Sequence[str]) -> Iterator[str]:
    """A scrape configuration of Prometheus in YAML, line by line, for the exporter of *accounts*."""
    yield "scrape_configs:"
    yield "  - job_name: csr-exporter"
    yield f"    scrape_interval: {SCRAPE_INTERVAL}"
    if served.prefix:
        yield f"    metrics_path: {served.prefix}/metrics"
    if served.secure:
        yield "    scheme: https"
        yield "    tls_config:"
        yield "      ca_file: ca.pem  # the authority of the exporter's certificate"
    if served.users:
        yield "    basic_auth:"
        yield "      username: prometheus  # one of basic_auth_users"
        yield "      password_file: password"
    yield "    static_configs:"
    yield f'      - targets: ["{served.target}"]  # by the name that Prometheus knows this machine by'
    yield "    # All accounts are in one scrape. For a job with some of them only, choose from these:"
    yield f"    # params: {{account: {json.dumps(accounts, ensure_ascii=False)}}}"


def policy() -> Iterator[str]:
    """A policy of IAM that grants reading the CSR list and nothing else, line by line."""
    statement = {"Effect": "Allow", "Action": [ACTION], "Resource": ["*"]}
    yield from json.dumps({"Version": "5.0", "Statement": [statement]}, indent=2).splitlines()
