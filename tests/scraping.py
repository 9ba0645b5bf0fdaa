"""A real Prometheus that scrapes our exporters every second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.processes import Running, prometheus_in, tool


@contextmanager
def scraping(directory: Path, *replicas: Running) -> Iterator[str]:
    """The address of a Prometheus with its files in *directory*; each of *replicas* has a label ``pod`` of its own."""
    program = tool("prometheus", "prometheus")
    targets = [
        {"targets": [each.url.removeprefix("http://")], "labels": {"pod": f"csr-exporter-{number}"}}
        for number, each in enumerate(replicas)
    ]
    scrape = {"job_name": "csr-exporter", "scrape_interval": "1s", "static_configs": targets}
    (directory / "prometheus.yml").write_text(yaml.safe_dump({"scrape_configs": [scrape]}), encoding="utf-8")
    with prometheus_in(program, directory) as url:
        yield url
