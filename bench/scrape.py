"""A scrape, in process and over HTTP, plain and compressed, against the Prometheus client library."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import uvicorn
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from bench import measure
from bench.scraper import cost, listener
from bench.table import Figure, Goal, Row, at_least
from bench.world import NOW, a_status, replies
from csr_exporter.exposition import TEXT, exposition, gzipped, joined
from csr_exporter.exposition.compression import LEVEL, Piece
from csr_exporter.inventory import Snapshot
from csr_exporter.journal import Journal
from csr_exporter.metrics import Exposed, exporter_families, families
from csr_exporter.status import Account, Reloads, Status
from csr_exporter.web.routes import application

SIZES = (10, 1_000, 10_000, 100_000)
FEW = 100
COMPRESSED = (50, 300, 10_000)
ACCOUNTS = 1_000
CSRS_EACH = 50
WANTED_AT = 10_000
WANTED = {"plain": at_least(25), "gzip": at_least(8)}
ABOUT_THE_SAME = at_least(0.75)
LIBRARY = "prometheus_client"
FEW_RUNS = 3


@dataclass(eq=False)  # the library's registry wants a hash
class Scraped(Collector):
    """Accounts that do not change, as our application and as a collector of the library."""

    statuses: Sequence[Status]
    exposed: Exposed
    reloads: Reloads = field(default_factory=lambda: Reloads("bench", NOW))
    journal: Journal = field(default_factory=Journal)
    alive: bool = True
    configuration: str = ""

    def reload(self) -> None:
        """Nothing to do."""

    def collect(self) -> Iterable[Metric]:
        return chain(families(self.statuses, self.exposed, NOW), exporter_families(self.reloads))

    def pieces(self) -> Iterator[Piece]:
        return exposition(self.statuses, self.exposed, NOW, exporter_families(self.reloads), TEXT)

    def plain(self) -> bytes:
        return joined(self.pieces())

    def compressed(self) -> bytes:
        return gzipped(self.pieces())

    def by_the_library(self) -> bytes:
        return TEXT.encode(self)


def rows() -> Iterator[Row]:
    """All of them."""
    of_size = {size: a_status(replies(size)) for size in (FEW, *SIZES, *COMPRESSED)}
    yield _without_series(*(Scraped([of_size[size]], Exposed(per_csr=False)) for size in (SIZES[-1], FEW)))
    for size in COMPRESSED:
        yield _compressed_size(Scraped([of_size[size]], Exposed()), size)
    for size in SIZES:
        scraped = Scraped([of_size[size]], Exposed(max_series=size))
        if scraped.plain() != scraped.by_the_library():
            raise AssertionError("both must render the same")
        runs = FEW_RUNS if size == SIZES[-1] else measure.RUNS
        yield from _in_process(scraped, f"{size} CSRs", runs, WANTED if size == WANTED_AT else {})
        if size == WANTED_AT:
            yield _ready_made(scraped, size)
        yield from _over_http(scraped, size, runs)
    yield from _many_accounts()


def _many_accounts() -> Iterator[Row]:
    snapshot = a_status(replies(CSRS_EACH)).snapshot
    statuses = [
        Status(Account(f"account-{place:04}"), Snapshot(snapshot.inventory), last_success=NOW)
        for place in range(ACCOUNTS)
        if snapshot
    ]
    what = f"{ACCOUNTS} accounts of {CSRS_EACH} CSRs"
    yield from _in_process(Scraped(statuses, Exposed()), what, FEW_RUNS, {})


def _without_series(many: Scraped, few: Scraped) -> Row:
    """Without per-CSR series the cost must not depend on the size of the inventory."""
    ours, other = measure.cpu(many.plain, few.plain)
    return Row(f"scrape in process, {SIZES[-1]} CSRs, per_csr off, CPU", ours, other, f"{FEW} CSRs", ABOUT_THE_SAME)


def _compressed_size(scraped: Scraped, size: int) -> Row:
    """Against the same text compressed as one stream, instead of stitched from blocks."""
    ours, stream = len(scraped.compressed()), len(gzip.compress(scraped.plain(), LEVEL))
    what = f"scrape of {size} CSRs, gzip, size"
    return Row(what, Figure((ours,), "B"), Figure((stream,), "B"), "one stream", ABOUT_THE_SAME)


def _in_process(scraped: Scraped, what: str, runs: int, wanted: Mapping[str, Goal]) -> Iterator[Row]:
    plain, compressed, theirs, theirs_compressed = measure.cpu(
        scraped.plain,
        scraped.compressed,
        scraped.by_the_library,
        lambda: gzip.compress(scraped.by_the_library()),
        runs=runs,
    )
    for how, ours, other in (("plain", plain, theirs), ("gzip", compressed, theirs_compressed)):
        yield Row(f"scrape in process, {what}, {how}, CPU", ours, other, LIBRARY, wanted.get(how))


def _ready_made(scraped: Scraped, size: int) -> Row:
    """Against the library's printing alone, with its families built beforehand."""
    made = list(scraped.collect())
    ours, theirs = measure.cpu(scraped.plain, lambda: TEXT.write(made))
    whose = f"{LIBRARY}, families built beforehand"
    return Row(f"scrape in process, {size} CSRs, plain, CPU", ours, theirs, whose)


def _over_http(scraped: Scraped, size: int, runs: int) -> Iterator[Row]:
    requests = max(1, 2_000 // size)
    with _ours(scraped) as our_port, _theirs(scraped) as their_port:
        for how, encoding in (("plain", "identity"), ("gzip", "gzip")):
            both = [partial(cost, port, encoding, requests) for port in (our_port, their_port)]
            for once in both:
                once()
            ours, theirs = measure.several(*both, runs=runs)
            for name in ("CPU", "wall"):
                what = f"scrape over HTTP, {size} CSRs, {how}, {name}"
                yield Row(what, Figure(ours[name]), Figure(theirs[name]), LIBRARY)


@contextmanager
def _ours(scraped: Scraped) -> Iterator[int]:
    """The port at which our application serves *scraped*."""
    with listener() as (socket, port):
        server = uvicorn.Server(
            uvicorn.Config(application(scraped, shared_seconds=0.0), log_level="critical", lifespan="off")
        )
        thread = threading.Thread(target=server.run, args=([socket],), daemon=True)
        thread.start()
        try:
            yield port
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def _theirs(scraped: Scraped) -> Iterator[int]:
    """The port at which the library's own server serves *scraped*."""
    registry = CollectorRegistry()
    registry.register(scraped)
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
