"""What one refresh of each dashboard costs a real Prometheus, in large fleets.

``python -m bench.dashboards [ACCOUNTSxCSRS …]`` prints the rows, and then every query that takes longest.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.table import Figure, Row, markdown
from bench.world import NOW
from csr_exporter.exposition import TEXT, exposition, joined
from csr_exporter.inventory import Inventory
from csr_exporter.metrics import CSR_GAUGES, Exposed, exporter_families
from csr_exporter.status import Account, Reloads, Status
from csr_exporter.simulator.records import Generator
from csr_exporter.cloud.replies import read_page
from collections import Counter
import json
from tests.dashboards.grafana import Dashboard, Prometheus, Viewer, Window, dashboards
from tests.processes import prometheus_in, tool, until

FLEETS = ((100, 1000), (1000, 50))
"""Accounts, and CSRs of each."""

RANGE = 6 * 3600
SCRAPE = 240
"""Seconds between scrapes: the longest that leave no gap."""
RUNS = 3
OF_ONE_CSR = tuple(f"{name}{{".encode() for name in ("scm_csr_info", *(gauge.name for gauge in CSR_GAUGES)))
TARGET = b'job="csr-exporter",instance="csr-exporter:10065"'


def rows(fleets: tuple[tuple[int, int], ...] = FLEETS) -> Iterator[Row]:
    """For each fleet and dashboard the whole refresh, with all accounts chosen, and its dearest query."""
    for accounts, csrs in fleets:
        with fleet(accounts, csrs) as prometheus:
            for board in dashboards():
                for choice in ({}, {"account": ["account-0007"]}):
                    viewer = Viewer(prometheus, Window(NOW - RANGE, NOW), choice)
                    yield from _refresh(board, viewer, f"{accounts} accounts of {csrs}, {'one' if choice else 'all'}")


def _refresh(board: Dashboard, viewer: Viewer, who: str) -> Iterator[Row]:
    rounds = [_costs(board, viewer) for _ in range(RUNS)]
    wanted = "at most 2 s"
    yield Row(f"{board.title}, {who}", Figure(tuple(sum(each.values()) for each in rounds)), wanted=wanted)
    dearest = sorted(rounds[0], key=lambda name: -rounds[0][name])
    for name in dearest[:6]:
        yield Row(f"– {name}", Figure(tuple(each[name] for each in rounds)))


def _costs(board: Dashboard, viewer: Viewer) -> dict[str, float]:
    """Seconds until the answer to each query, the variables' together."""
    costs = {"variables": _seconds(lambda: viewer.options(board))}
    for query in board.queries():
        costs[f"{query.panel}: {query.ref}"] = _seconds(lambda query=query: viewer.ask(query, board))
    return costs


def _seconds(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def fleet(accounts: int, csrs: int) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the fleet for the time range."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "history.txt").open("wb") as out:
            for text in history(accounts, csrs):
                out.write(text)
        command = [tool("promtool", "prometheus"), "tsdb", "create-blocks-from", "openmetrics", "history.txt", "data"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        (folder / "history.txt").unlink()
        (folder / "prometheus.yml").write_text("{}", encoding="utf-8")
        flags = ("--storage.tsdb.retention.time=100y",)
        with prometheus_in(tool("prometheus", "prometheus"), folder, *flags) as address:
            until(lambda: _ready(address))
            yield Prometheus(address)


def _ready(address: str) -> bool:
    try:
        return bool(Prometheus(address).instant("scm_csr_up", NOW))
    except (OSError, ValueError):
        return False


def history(accounts: int, csrs: int) -> Iterator[bytes]:
    """What Prometheus scraped: of single CSRs only the first and the last, which is all that dashboards ask for."""
    lines = _scrape(accounts, csrs).splitlines(keepends=True)
    whole = b"".join(lines)
    few = b"".join(line for line in lines if not line.startswith(OF_ONE_CSR))
    moments = range(int(NOW - RANGE), int(NOW) + 1, SCRAPE)
    for moment in moments:
        text = whole if moment in (moments[0], moments[-1]) else few
        yield text.replace(b"\n", f" {moment}\n".encode())
    yield b"# EOF\n"


def _scrape(accounts: int, csrs: int) -> bytes:
    statuses = [_status(f"account-{number:04}", csrs, number) for number in range(accounts)]
    reloads = Reloads("bench", NOW)
    text = joined(exposition(statuses, Exposed(), NOW, exporter_families(reloads), TEXT))
    samples = b"\n".join(line for line in text.splitlines() if not line.startswith(b"#")) + b"\n"
    labelled = re.sub(rb"^(\w+)\{", rb"\1{" + TARGET + b",", samples, flags=re.MULTILINE)
    return re.sub(rb"^(\w+) ", rb"\1{" + TARGET + b"} ", labelled, flags=re.MULTILINE)


def _status(name: str, count: int, seed: int) -> Status:
    records = Generator(seed=seed).history(count, NOW)
    csrs = read_page(json.dumps({"csr_list": records, "total": count}).encode(), NOW).csrs
    counts = Counter(csr.algorithm for csr in csrs)
    inventory = Inventory(tuple(csrs), reported=count, by_algorithm=counts, complete=True)
    return Status(Account(name, stale_after=1e9)).after_success(inventory, NOW, seconds=1.0)


if __name__ == "__main__":
    sizes = tuple(tuple(map(int, name.split("x"))) for name in sys.argv[1:]) or FLEETS
    for line in markdown(rows(sizes)):
        print(line, flush=True)
