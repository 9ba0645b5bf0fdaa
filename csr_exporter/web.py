"""The HTTP surface: an ASGI application that reads the statuses of the accounts and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from csr_exporter import __version__
from csr_exporter.exposition import accepts_gzip, exposition, gzipped, joined, preferred_form
from csr_exporter.metrics import Exposed, exporter_families
from csr_exporter.status import Reloads, Status

SMALLEST_COMPRESSED = 1000
"""Bytes; what is smaller is sent as it is."""


class Exporter(Protocol):
    """What there is to be shown."""

    @property
    def statuses(self) -> Sequence[Status]: ...

    @property
    def exposed(self) -> Exposed: ...

    @property
    def reloads(self) -> Reloads: ...

    @property
    def alive(self) -> bool:
        """Whether polls are still being scheduled."""


def application(exporter: Exporter) -> Starlette:
    """The routes that *exporter* is seen through. Handlers are plain functions, so they run off the event loop."""
    pages = _Pages(exporter)
    # Metrics are not among what this compresses: they know better what of them has been before.
    compressed = [Middleware(GZipMiddleware, minimum_size=SMALLEST_COMPRESSED, compresslevel=1)]
    routes = Starlette(
        routes=[
            Route("/metrics", pages.metrics),
            Route("/", pages.landing, middleware=compressed),
            Route("/-/healthy", pages.healthy),
            Route("/-/ready", pages.ready),
        ],
    )
    routes.router.redirect_slashes = False
    return routes


class _Pages:
    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self._templates = Jinja2Templates(Path(__file__).parent / "templates")
        self._process = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._process)

    def metrics(self, request: Request) -> Response:
        wanted = request.query_params.getlist("account")
        statuses = self._exporter.statuses
        unknown = set(wanted) - {status.account.name for status in statuses}
        if unknown:
            return PlainTextResponse("no such account is configured\n", status_code=404)
        shown = [status for status in statuses if not wanted or status.account.name in wanted]
        form = preferred_form(_header(request, "Accept"))
        pieces = exposition(shown, self._exporter.exposed, time.time(), self._further(), form)
        headers = {"Content-Type": form.content_type, "Vary": "Accept, Accept-Encoding"}
        if accepts_gzip(_header(request, "Accept-Encoding")):
            return Response(gzipped(pieces), headers=headers | {"Content-Encoding": "gzip"})
        return Response(joined(pieces), headers=headers)

    def _further(self) -> Iterator[Metric]:
        """The families that no account has a part in."""
        yield from exporter_families(self._exporter.reloads)
        yield from self._process.collect()

    def landing(self, request: Request) -> Response:
        facts = {"version": __version__, "statuses": self._exporter.statuses, "now": time.time()}
        return self._templates.TemplateResponse(request, "landing.html", facts)

    def healthy(self, request: Request) -> Response:  # noqa: ARG002 - the signature of a handler
        if self._exporter.alive:
            return PlainTextResponse("CSR Exporter is healthy.\n")
        return PlainTextResponse("The scheduler has stopped: no account is polled any more.\n", status_code=503)

    def ready(self, request: Request) -> Response:  # noqa: ARG002 - the signature of a handler
        waiting = [status.account.name for status in self._exporter.statuses if status.last_poll is None]
        if not waiting:
            return PlainTextResponse("CSR Exporter is ready.\n")
        return PlainTextResponse(f"Waiting for the first poll of: {', '.join(waiting)}\n", status_code=503)


def _header(request: Request, name: str) -> str:
    """The whole list that a header holds, in however many lines it came."""
    return ", ".join(request.headers.getlist(name))
