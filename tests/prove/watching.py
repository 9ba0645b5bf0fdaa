"""Prometheus with the rules and Alertmanager with the delivered routing, both at the compressed clock."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
import yaml

from csr_exporter.config.settings import duration, seconds
from deploy.prometheus import rules
from tests.processes import DEADLINE, free_port, prometheus_in, started, tool
from tests.prove.place import SHARED, write

STEP = 60.0
"""Seconds of the compressed clock between two scrapes, and between two evaluations."""


def _hastened(factor: float) -> dict[str, str]:
    """Nobody waits for a whole day to pass; each fault has a job of its own.

    A waiver ends with a day, and no clock makes days shorter: one that lasts until tomorrow counts as ending soon.
    """
    return {"growth_window": "2h", "exporter_jobs": ".+", "waiver_ahead": f"{2 * factor:g}d"}


Alert = tuple[str, str]
"""Name and job."""


@dataclass(frozen=True, slots=True)
class Message:
    """What Alertmanager sent to a person, when, and about which alerts of one job."""

    at: float
    receiver: str
    alert: str
    job: str


@dataclass(slots=True)
class Receiver:
    """A webhook that keeps what it is told. Notices that something has ended are switched off."""

    messages: list[Message] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Its address."""
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                group = told["groupLabels"]
                messages.append(Message(time.time(), told["receiver"], group["alertname"], group.get("job", "")))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing to standard error."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/"
            finally:
                server.shutdown()
                thread.join()


def routing(url: str, factor: float, example: str = "alertmanager.yml") -> dict[str, Any]:
    """A delivered example with *url* in each receiver, its times divided by *factor*."""
    text = (rules.HERE / example).read_text(encoding="utf-8")
    waits = r"(group_wait|group_interval|repeat_interval): (\w+)"
    text = re.sub(waits, lambda found: f"{found[1]}: {duration(seconds(found[2]) / factor)}", text)
    content: dict[str, Any] = yaml.safe_load(text)
    for receiver in content["receivers"]:
        receiver["webhook_configs"] = [{"url": url, "send_resolved": False}]
    return content


def scraping(directory: Path, factor: float, alertmanager: str) -> dict[str, Any]:
    """The configuration of Prometheus: accounts of the shared exporter have jobs of their own."""
    step = duration(STEP / factor)
    shared = [
        {
            "source_labels": ["job", "__name__"],
            "regex": f"{SHARED};csr_exporter_configured_accounts",
            "action": "drop",
        },
        {"source_labels": ["job", "account"], "regex": f"{SHARED};(.+)", "target_label": "job"},
    ]
    files = [{"files": [str(directory / "targets.json")], "refresh_interval": "1s"}]
    scrape = {"job_name": "exporters", "file_sd_configs": files, "metric_relabel_configs": shared}
    return {
        "global": {"scrape_interval": step, "scrape_timeout": step, "evaluation_interval": step},
        "rule_files": [str(directory / "rules.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [scrape],
    }


@contextmanager
def watching(
    directory: Path, factor: float, thresholds: rules.Thresholds | None = None
) -> Iterator[tuple[Prometheus, list[Message]]]:
    """A Prometheus that watches the targets in *directory*, and what its Alertmanager has told."""
    receiver, address = Receiver(), f"127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        url = stack.enter_context(receiver.listening())
        write(directory / "alertmanager.yml", yaml.safe_dump(routing(url, factor)))
        write(directory / "rules.yml", rules.text(_hastened(factor) | dict(thresholds or {}), factor))
        write(directory / "prometheus.yml", yaml.safe_dump(scraping(directory, factor, address)))
        alertmanager = (
            tool("prometheus-alertmanager", "prometheus-alertmanager"),
            f"--config.file={directory / 'alertmanager.yml'}",
            f"--storage.path={directory / 'alertmanager'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
        )
        stack.enter_context(started(*alertmanager))
        program = tool("prometheus", "prometheus")
        lookback = f"--query.lookback-delta={duration(300 / factor)}"
        yield Prometheus(stack.enter_context(prometheus_in(program, directory, lookback))), receiver.messages


class Prometheus:
    """What is asked of the HTTP API."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.said: dict[Alert, str] = {}
        """Descriptions, as of when each alert was seen first."""

    def _get(self, path: str, **parameters: str | float) -> Any:  # noqa: ANN401 - whatever the API gives
        response = requests.get(f"{self._address}/api/v1/{path}", params=parameters, timeout=DEADLINE)
        response.raise_for_status()
        return response.json()["data"]

    def value(self, query: str) -> float | None:
        """The one value of *query*, None where there is none or Prometheus is not there yet."""
        try:
            result = self._get("query", query=query)["result"]
        except requests.RequestException:
            return None
        return float(result[0]["value"][1]) if result else None

    def firing(self) -> set[Alert]:
        """The alerts that fire now."""
        found = set()
        for each in self._get("alerts")["alerts"]:
            if each["state"] == "firing":
                key = (each["labels"]["alertname"], each["labels"].get("job", ""))
                self.said.setdefault(key, each["annotations"]["description"])
                found.add(key)
        return found

    def unhealthy_rules(self) -> list[str]:
        """Rules whose evaluation failed."""
        groups = self._get("rules")["groups"]
        return [rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "err"]
