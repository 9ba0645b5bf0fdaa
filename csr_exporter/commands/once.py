"""Polling once: an exposition for the textfile collector."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from csr_exporter.cloud.auth import Leases
from csr_exporter.config import AccountConfig, Config
from csr_exporter.exposition import TEXT, joined
from csr_exporter.exposition import exposition as rendered
from csr_exporter.inventory import Page
from csr_exporter.polling.accounts import exposed_by, poller_for
from csr_exporter.polling.threads import DaemonThreads
from csr_exporter.status import Status

MOST_THREADS = 32

Watch = Callable[[str, Page], None]


def poll_once(
    config: Config, accounts: Sequence[AccountConfig], watch: Watch = lambda _name, _page: None
) -> list[Status]:
    """The status of each of *accounts* after one poll; *watch* sees the pages as they come."""
    leases = Leases()
    pollers = [poller_for(config, account, leases, watch=partial(watch, account.name)) for account in accounts]
    threads = DaemonThreads(MOST_THREADS, "poll")  # Ctrl-C does not wait for them
    list(threads.map(lambda poller: poller.poll(), pollers))
    return [poller.status for poller in pollers]


def exposition(config: Config) -> tuple[str, bool]:
    """The exposition after one poll of all accounts, and whether all succeeded."""
    statuses = poll_once(config, config.accounts)
    text = joined(rendered(statuses, exposed_by(config), time.time(), [], TEXT))
    return text.decode(), all(status.up for status in statuses)


def replace_file(file: Path, text: str) -> None:
    """Write *text* to *file* atomically: a reader sees the old or the new text."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}.", delete=False
    ) as new:
        new.write(text)
    Path(new.name).chmod(0o644)
    Path(new.name).replace(file)
