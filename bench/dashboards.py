"""What one refresh of each dashboard costs a real Prometheus: its panels, its variables, and all its annotations."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence

from bench.prometheus import Prometheus, loaded
from bench.rules import SIZES
from bench.table import Figure, Row, at_most
from tests.dashboards import grafana

RUNS = 3
RANGE = 86_400
CHOICES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "all chosen": {},
    "one chosen": {"account": ["account-7"]},
    "a search in all": {"search": ["shop"]},
}


def rows() -> Iterator[Row]:
    """Each dashboard with few accounts of many CSRs, and with many of few; the inventory with each choice."""
    for accounts, csrs in SIZES:
        with loaded(accounts, csrs) as server:
            for board in grafana.dashboards():
                for name, chosen in CHOICES.items():
                    if board.title == "CSR inventory" or not chosen:
                        what = f"{board.title}, {accounts} accounts of {csrs} CSRs, {name}"
                        yield from _refresh(server, board, chosen, what)


def _refresh(
    server: Prometheus, board: grafana.Dashboard, chosen: Mapping[str, Sequence[str]], what: str
) -> Iterator[Row]:
    now = time.time()
    viewer = grafana.Viewer(grafana.Prometheus(server.address), grafana.Window(now - RANGE, now), chosen)
    spent: list[float] = []
    waits: dict[str, list[float]] = {}
    for _ in range(RUNS):
        before = _cpu(server)
        for name, seconds in _waits(viewer, board):
            waits.setdefault(name, []).append(seconds)
        spent.append(_cpu(server) - before)
    yield Row(f"{what}, refresh, CPU", Figure(tuple(spent)), wanted=at_most(2.0))
    dearest = max(waits, key=lambda name: sum(waits[name]))
    yield Row(f"{what}, dearest query ({dearest}), wall", Figure(tuple(waits[dearest])))


def _waits(viewer: grafana.Viewer, board: grafana.Dashboard) -> Iterator[tuple[str, float]]:
    """How long a client waits for the variables, and for each query."""
    begun = time.perf_counter()
    viewer.options(board)
    yield "variables", time.perf_counter() - begun
    for query in board.queries():
        begun = time.perf_counter()
        viewer.ask(query, board)
        yield f"{query.panel}: {query.ref}", time.perf_counter() - begun


def _cpu(server: Prometheus) -> float:
    """CPU seconds of the server so far."""
    with urllib.request.urlopen(f"{server.address}/metrics") as reply:  # noqa: S310 - loopback
        return float(re.findall(r"^process_cpu_seconds_total (\S+)", reply.read().decode(), re.MULTILINE)[0])
