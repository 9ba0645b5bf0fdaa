"""Polling once: an exposition for the textfile collector."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from csr_exporter.cloud.auth import Leases
from csr_exporter.commands.files import replace_file
from csr_exporter.commands.pauses import keep_pauses, resume_pauses
from csr_exporter.config import AccountConfig, Config
from csr_exporter.exposition import TEXT, joined
from csr_exporter.exposition import exposition as rendered
from csr_exporter.inventory import Page
from csr_exporter.metrics import exporter_families
from csr_exporter.polling.accounts import exposed_by, poller_for
from csr_exporter.polling.poller import Poller
from csr_exporter.polling.threads import DaemonThreads
from csr_exporter.status import Reloads, Status

MOST_THREADS = 32

OWN_FAMILIES = ("csr_exporter_build", "csr_exporter_waiver_expiry_timestamp_seconds")
"""Of no account, and of use where no daemon runs."""

Watch = Callable[[str, Page], None]


def pollers_for(
    config: Config, accounts: Sequence[AccountConfig], watch: Watch = lambda _name, _page: None
) -> list[Poller]:
    """A poller for each of *accounts*; *watch* sees the pages as they come."""
    leases = Leases()
    return [poller_for(config, account, leases, watch=partial(watch, account.name)) for account in accounts]


def poll_once(pollers: Sequence[Poller]) -> list[Status]:
    """The status of each of *pollers* after one poll."""
    threads = DaemonThreads(MOST_THREADS, "poll")  # Ctrl-C does not wait for them
    list(threads.map(lambda poller: poller.poll(), pollers))
    return [poller.status for poller in pollers]


def exposition(config: Config, pauses: Path | None = None) -> tuple[str, bool]:
    """The exposition after one poll of all accounts, and whether all succeeded; *pauses* keeps pauses between runs."""
    pollers = pollers_for(config, config.accounts)
    by_settings = dict(zip((account.model_dump_json() for account in config.accounts), pollers, strict=True))
    if pauses:
        resume_pauses(pauses, by_settings)
    statuses = poll_once(pollers)
    if pauses:
        keep_pauses(pauses, by_settings)
    now = time.time()
    exposed = exposed_by(config)
    own = exporter_families(Reloads("", now), waivers=exposed.policy.waivers)
    further = [family for family in own if family.name in OWN_FAMILIES]
    text = joined(rendered(statuses, exposed, now, further, TEXT))
    return text.decode(), all(status.up for status in statuses)


def write_exposition(config: Config, output: Path) -> bool:
    """Replace *output* by the exposition after one poll; whether all succeeded. Raises `OSError`."""
    text, succeeded = exposition(config, output.with_name(f"{output.name}.pauses"))
    replace_file(output, text)
    return succeeded
