"""What to paste elsewhere: a job for Prometheus and a policy for IAM. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ACTION = "scm::listCsr"
"""The one action that the exporter needs. Source: "Querying the CSR List", Authorization Information."""

SCRAPE_INTERVAL = "1m"


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """Where and how the exporter will be scraped. *prefix* is empty or such as ``/csr``."""

    host: str
    port: int
    prefix: str = ""
    tls: bool = False
    users: bool = False

    @property
    def address(self) -> str:
        """The address for a Prometheus on the same machine."""
        host = "localhost" if self.host in {"", "0.0.0.0", "::"} else self.host  # noqa: S104 - all addresses include loopback
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def scrape_config(target: ScrapeTarget, accounts: Sequence[str]) -> Iterator[str]:
    """A scrape configuration in YAML, line by line, for the exporter of *accounts*."""
    yield "scrape_configs:"
    yield "  - job_name: csr-exporter"
    yield f"    scrape_interval: {SCRAPE_INTERVAL}"
    if target.prefix:
        yield f"    metrics_path: {target.prefix}/metrics"
    if target.tls:
        yield "    scheme: https"
        yield "    tls_config:"
        yield "      ca_file: ca.pem  # the authority that signed the exporter's certificate"
    if target.users:
        yield "    basic_auth:"
        yield "      username: prometheus  # one of basic_auth_users"
        yield "      password_file: password"
    yield "    static_configs:"
    yield f'      - targets: ["{target.address}"]  # use the name by which Prometheus reaches this machine'
    yield "    # One scrape returns all accounts. For a job with some of them, choose from:"
    yield f"    # params: {{account: {json.dumps(accounts, ensure_ascii=False)}}}"


def iam_policy() -> str:
    """An IAM policy that grants reading the CSR list and nothing else."""
    statement = {"Effect": "Allow", "Action": [ACTION], "Resource": ["*"]}
    return json.dumps({"Version": "5.0", "Statement": [statement]}, indent=2)
