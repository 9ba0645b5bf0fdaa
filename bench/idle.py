"""What an exporter takes while nobody asks and nothing is due.

``python -m bench.idle`` runs with the configuration in the first line of standard input, and prints its CPU seconds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.cloud import cloud
from bench.processes import python
from bench.table import Figure, Row, at_most

CSRS = 50
SETTLING = 5.0
SECONDS = 30.0


def rows() -> Iterator[Row]:
    """One account that was polled and is not due again."""
    with cloud(accounts=1, csrs=CSRS) as config, python("bench.idle") as process:
        process.tell(json.dumps({**config, "poll_interval": "1d"}))
        share = 100 * float(process.hear()) / SECONDS
    yield Row(f"idle for {SECONDS:.0f} s, CPU of one core", Figure((share,), "%"), wanted=at_most(0.03, "%"))


def main() -> None:
    """Run the daemon, and end it after the measurement."""
    from csr_exporter.commands.run import run  # noqa: PLC0415 - only the child process needs it
    from csr_exporter.config import Config  # noqa: PLC0415 - likewise
    from csr_exporter.logs import configure  # noqa: PLC0415 - likewise
    from csr_exporter.web.listeners import WebOptions  # noqa: PLC0415 - likewise
    from csr_exporter.web.server import Address, Listener  # noqa: PLC0415 - likewise

    configure("error", "logfmt")
    config = Config.model_validate_json(sys.stdin.readline(), context={"directory": Path()})

    def ready(_: Sequence[Listener]) -> None:
        threading.Thread(target=_measure, daemon=True).start()

    run(lambda: config, WebOptions([Address("127.0.0.1", 0)]), ready)


def _measure() -> None:
    time.sleep(SETTLING)
    before = time.process_time()
    time.sleep(SECONDS)
    sys.stdout.write(f"{time.process_time() - before}\n")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
