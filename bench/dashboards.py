"""What one refresh of each dashboard costs a real Prometheus: its panels, its variables, and all its annotations."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from bench.prometheus import Prometheus
from bench.table import Figure, Row, at_most
from tests.dashboards import grafana

RUNS = 3
RANGE = 86_400
CHOICES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "all chosen": {},
    "one chosen": {"account": ["account-7"]},
    "a search in all": {"search": ["shop"]},
}


def rows(server: Prometheus, world: str) -> Iterator[Row]:
    """Each dashboard in a *world*; the inventory with each choice."""
    for board in grafana.dashboards():
        for name, chosen in CHOICES.items():
            if board.title == "CSR inventory" or not chosen:
                yield from _refresh(server, board, chosen, f"{board.title}, {world}, {name}")


def _refresh(
    server: Prometheus, board: grafana.Dashboard, chosen: Mapping[str, Sequence[str]], what: str
) -> Iterator[Row]:
    now = time.time()
    viewer = grafana.Viewer(grafana.Prometheus(server.address), grafana.Window(now - RANGE, now), chosen)
    spent, waited = [], []
    dearest: dict[str, list[float]] = {}
    for _ in range(RUNS):
        before = server.own("process_cpu_seconds_total")
        waits = dict(_waits(viewer, board))
        spent.append(server.own("process_cpu_seconds_total") - before)
        waited.append(sum(waits.values()))
        for name, seconds in waits.items():
            dearest.setdefault(name, []).append(seconds)
    yield Row(f"{what}, refresh, CPU", Figure(tuple(spent)), wanted=at_most(2.0))
    yield Row(f"{what}, refresh, wall, query by query", Figure(tuple(waited)))
    name = max(dearest, key=lambda name: sum(dearest[name]))
    yield Row(f"{what}, dearest query ({name}), wall", Figure(tuple(dearest[name])))


def _waits(viewer: grafana.Viewer, board: grafana.Dashboard) -> Iterator[tuple[str, float]]:
    """How long a client waits for the variables, and for each query."""
    begun = time.perf_counter()
    viewer.options(board)
    yield "variables", time.perf_counter() - begun
    for query in board.queries():
        begun = time.perf_counter()
        viewer.ask(query, board)
        yield f"{query.panel}: {query.ref}", time.perf_counter() - begun
