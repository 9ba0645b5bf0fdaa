"""Measuring: CPU time rather than wall time, with candidates alternating, so that a busy machine disturbs both."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from itertools import chain

from bench.table import Figure

RUNS = 5
LEAST_SECONDS = 0.05
"""Work that takes less is repeated within each run."""

Work = Callable[[], object]


def cpu(*works: Work, runs: int = RUNS) -> list[Figure]:
    """The CPU time that each of *works* takes in this process."""
    repeats = [max(1, round(LEAST_SECONDS / max(_cpu_once(work), 1e-6))) for work in works]
    rounds = [[_cpu_mean(work, repeat) for work, repeat in zip(works, repeats, strict=True)] for _ in range(runs)]
    return [Figure(values) for values in zip(*rounds, strict=True)]


def _cpu_mean(work: Work, repeat: int) -> float:
    gc.collect()
    return sum(_cpu_once(work) for _ in range(repeat)) / repeat


def _cpu_once(work: Work) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def several(*measurements: Callable[[], dict[str, float]], runs: int = RUNS) -> list[dict[str, tuple[float, ...]]]:
    """The values that each of *measurements* found in *runs*, by name."""
    rounds = [[measure() for measure in measurements] for _ in range(runs)]
    return [
        {name: tuple(found[name] for found in each) for name in dict.fromkeys(chain.from_iterable(each))}
        for each in zip(*rounds, strict=True)
    ]
