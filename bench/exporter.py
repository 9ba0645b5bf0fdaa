"""The exporter as users run it: a process with a configuration file, and nothing but what is installed with it."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.installed import installed
from bench.processes import Process, python
from bench.scraper import get

PATIENCE = 300.0
PAUSE = 0.005


class Exporter:
    """A running exporter and the port it listens at."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.port = urlsplit(process.hear().removeprefix("listening on ")).port or 0

    def scrape(self) -> bytes:
        """A compressed scrape."""
        return get(self.port, "/metrics", "gzip")

    def wait_until_polled(self) -> None:
        """Return once every account was polled. Raises `OSError` when that takes too long."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                get(self.port, "/-/ready")
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE)
            else:
                return


@contextmanager
def running(config: dict[str, Any]) -> Iterator[Exporter]:
    """An exporter that listens and runs with *config* until the block ends."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        json.dump(config, file)  # which is YAML too
        file.flush()
        arguments = ("run", f"--config.file={Path(file.name)}", "--web.listen-address=127.0.0.1:0")
        with python("csr_exporter", *arguments, modules=installed()) as process:
            yield Exporter(process)
