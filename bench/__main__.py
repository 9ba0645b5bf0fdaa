"""All benchmarks, or the named ones: ``python -m bench [NAME …]``. Only a run of all writes docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from bench import (
    dashboards,
    idle,
    journal,
    late,
    listing,
    memory,
    page,
    planning,
    policy,
    polls,
    rest,
    rules,
    scrape,
    start,
    unread,
)
from bench.table import Row, markdown

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"

BENCHMARKS: dict[str, Callable[[], Iterable[Row]]] = {
    "scrape": scrape.rows,
    "memory": memory.rows,
    "page": page.rows,
    "listing": listing.rows,
    "polls": polls.rows,
    "planning": planning.rows,
    "policy": policy.rows,
    "idle": idle.rows,
    "journal": journal.rows,
    "rest": rest.rows,
    "late": late.rows,
    "start": start.rows,
    "unread": unread.rows,
    "rules": rules.rows,
    "dashboards": dashboards.rows,
}

HEAD = """\
# Benchmarks

Written by `make bench`, in one run on one machine: {machine}.

Each figure is the median of several runs, with minimum and maximum in brackets. Candidates run alternately, so a busy
machine disturbs both. CPU is the CPU time of the measured process, wall is how long a client waits. The ratio is the
other figure divided by the exporter's; it carries over to other machines, the figures do not. An exporter that starts
or rests has only its dependencies installed, not the tools for working on it.
"""


def main(names: list[str]) -> None:
    """Print each row as soon as it is measured; write the page after a run of all benchmarks."""
    rows = chain.from_iterable(BENCHMARKS[name]() for name in names or BENCHMARKS)
    lines = list(_printed(chain(HEAD.format(machine=machine()).splitlines(), [""], markdown(rows))))
    if not names:
        PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _printed(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        yield line


def machine() -> str:
    """The machine and the versions that matter."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("prometheus_client", "uvicorn"))
    return (
        f"{os.cpu_count()} CPUs, {platform.machine()}, {platform.system()}, "
        f"{platform.python_implementation()} {platform.python_version()}, {libraries}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
