"""The HTTP surface: an ASGI application that reads the statuses of the accounts and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from anyio import to_thread
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from csr_exporter.config import ConfigError
from csr_exporter.exposition import Format, accepts_gzip, exposition, gzipped, joined, preferred_format
from csr_exporter.metrics import exporter_families
from csr_exporter.status import Status
from csr_exporter.web.exporter import Exporter, header, selected

SHARED_SECONDS = 1.0
"""For which the body of a scrape is also the answer to others, unless a poll or reload changed what it says."""

MOST_SHARED = 2
"""Bodies kept for that: Prometheus wants them compressed, others plain."""

SMALLEST_COMPRESSED = 1000
"""Bytes; smaller replies are sent as they are."""

PAGES = (
    "/",
    "/status.css",
    "/status.json",
    "/csrs",
    "/csrs.csv",
    "/csrs.json",
    "/changes",
    "/changes.json",
)
"""What `csr_exporter.web.pages` answers."""


def application(
    exporter: Exporter,
    prefix: str = "",
    reload: Callable[[], None] | None = None,
    shared_seconds: float = SHARED_SECONDS,
) -> Starlette:
    """The routes of *exporter*, below *prefix*, which is empty or such as ``/csr``.

    ``/-/reload`` calls *reload*, which raises `ConfigError` with all mistakes, or is refused without one.

    Handlers are plain functions, which run off the event loop, except for those that take no time.
    """
    pages, on_demand = _Pages(exporter, shared_seconds), _OnDemand(exporter)
    # Metrics compress themselves, as most of their text is the same from scrape to scrape.
    compressed = [Middleware(GZipMiddleware, minimum_size=SMALLEST_COMPRESSED, compresslevel=1)]
    routes = [
        Route("/metrics", pages.metrics),
        Route("/config", pages.config, middleware=compressed),
        *_probes(pages),
        Route("/-/reload", _reloading(reload) if reload else _no_lifecycle, methods=["POST"]),
        *(Route(path, on_demand, middleware=compressed) for path in PAGES),
    ]
    return _strict(Starlette(routes=_below(prefix, routes)))


def probes(exporter: Exporter) -> Starlette:
    """Health and readiness of *exporter*, and nothing else."""
    return _strict(Starlette(routes=_probes(_Pages(exporter, SHARED_SECONDS))))


def _probes(pages: _Pages) -> list[BaseRoute]:
    return [Route("/-/healthy", pages.healthy), Route("/-/ready", pages.ready)]


def _strict(application: Starlette) -> Starlette:
    """*application*, answering 404 for a superfluous slash: a redirect would repeat the Host header."""
    application.router.redirect_slashes = False
    return application


def _below(prefix: str, routes: list[BaseRoute]) -> list[BaseRoute]:
    if not prefix:
        return routes
    # Relative, so that they work behind a proxy that adds a path of its own.
    from_root, from_name = f"{prefix.removeprefix('/')}/", f"{prefix.rpartition('/')[2]}/"
    return [
        Route("/", lambda _: RedirectResponse(from_root, 302)),
        Route(prefix, lambda _: RedirectResponse(from_name, 302)),
        Mount(prefix, routes=routes),
    ]


def _reloading(reload: Callable[[], None]) -> Callable[[Request], Response]:
    def handler(request: Request) -> Response:  # noqa: ARG001 - the signature of a handler
        try:
            reload()
        except ConfigError as error:
            return PlainTextResponse(f"{error}\n", status_code=400)
        return PlainTextResponse("The configuration was read and is in force.\n")

    return handler


def _no_lifecycle(request: Request) -> Response:  # noqa: ARG001 - the signature of a handler
    return PlainTextResponse("Reloading is off; --web.enable-lifecycle turns it on.\n", status_code=403)


class _OnDemand:
    """The pages for people, which are imported when the first is asked for: many exporters are only scraped."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        application = await to_thread.run_sync(lambda: self._application)
        await application(scope, receive, send)

    @cached_property
    def _application(self) -> ASGIApp:
        from csr_exporter.web import pages  # noqa: PLC0415 - a thirtieth of the time to start

        return pages.application(self._exporter)


@dataclass(frozen=True, slots=True)
class _Rendered:
    at: float
    facts: Sequence[object]
    """What it says, all of it immutable; kept, so that nothing else gets the same identity."""
    body: bytes


class _Pages:
    def __init__(self, exporter: Exporter, shared_seconds: float) -> None:
        self._exporter = exporter
        self._shared_seconds = shared_seconds
        self._rendered: dict[object, _Rendered] = {}
        # One rendering at a time: those who wait for it share the body, and two would take turns on one core anyway.
        self._rendering = threading.Lock()
        self._process = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._process)

    def metrics(self, request: Request) -> Response:
        form = preferred_format(header(request, "Accept"))
        compressed = accepts_gzip(header(request, "Accept-Encoding"))
        headers = {"Content-Type": form.content_type, "Vary": "Accept, Accept-Encoding"}
        encoding = {"Content-Encoding": "gzip"} if compressed else {}
        body = self._shared_body(selected(self._exporter, request), form, compressed=compressed)
        return Response(body, headers=headers | encoding)

    def _shared_body(self, statuses: Sequence[Status], form: Format, *, compressed: bool) -> bytes:
        """The exposition of *statuses*, as rendered within the last `SHARED_SECONDS` or now."""
        facts = (*statuses, self._exporter.reloads)
        key = (form, compressed, self._exporter.exposed, *map(id, facts))
        with self._rendering:
            now = time.time()
            fresh = self._rendered.items()
            self._rendered = {key: each for key, each in fresh if 0 <= now - each.at < self._shared_seconds}
            if key not in self._rendered:
                if len(self._rendered) >= MOST_SHARED:
                    del self._rendered[next(iter(self._rendered))]
                # The families that belong to no account.
                own = exporter_families(
                    self._exporter.reloads, self._exporter.journal.failures, self._exporter.exposed.policy.waivers
                )
                further = [*own, *self._process.collect()]
                pieces = exposition(statuses, self._exporter.exposed, now, further, form)
                self._rendered[key] = _Rendered(now, facts, gzipped(pieces) if compressed else joined(pieces))
            return self._rendered[key].body

    def config(self, request: Request) -> Response:  # noqa: ARG002 - the signature of a handler
        return PlainTextResponse(self._exporter.configuration)

    async def healthy(self, request: Request) -> Response:  # noqa: ARG002 - the signature of a handler
        if self._exporter.alive:
            return PlainTextResponse("CSR Exporter is healthy.\n")
        return PlainTextResponse("Polls have stopped, or one is overdue.\n", status_code=503)

    async def ready(self, request: Request) -> Response:  # noqa: ARG002 - the signature of a handler
        waiting = [status.account.name for status in self._exporter.statuses if status.last_poll is None]
        if not waiting:
            return PlainTextResponse("CSR Exporter is ready.\n")
        return PlainTextResponse(f"Waiting for the first poll of: {', '.join(waiting)}\n", status_code=503)
