"""The HTTP surface: an ASGI application that reads the statuses of the accounts and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import BaseRoute, Mount, Route

from csr_exporter import __version__
from csr_exporter.config import ConfigError
from csr_exporter.exposition import Format, accepts_gzip, exposition, gzipped, joined, preferred_format
from csr_exporter.inventory import Change, ChangeQuery
from csr_exporter.metrics import Exposed, exporter_families
from csr_exporter.page import (
    CHANGE_ROWS,
    STYLE,
    Found,
    Language,
    View,
    change_fields,
    change_table,
    csr_csv,
    csr_json,
    csr_table,
    find,
    overview,
    preferred_language,
    render,
    render_changes,
    render_csrs,
    status_json,
)
from csr_exporter.status import Reloads, Status
from csr_exporter.web import queries
from csr_exporter.web.middleware import SECURITY_HEADERS

SHARED_SECONDS = 1.0
"""For which the body of a scrape is also the answer to others, unless a poll or reload changed what it says."""

MOST_SHARED = 2
"""Bodies kept for that: Prometheus wants them compressed, others plain."""

SMALLEST_COMPRESSED = 1000
"""Bytes; smaller replies are sent as they are."""


TABLE_POLICY = SECURITY_HEADERS["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'")
"""Of the pages that have a form, which filters what they show."""

DEFAULT_CHANGES = 1000
"""In a reply of ``/changes.json`` that does not ask for another number."""


class Journal(Protocol):
    """Where the changes come from."""

    @property
    def failures(self) -> int | None:
        """How often the storage failed; None without storage."""

    @property
    def failing(self) -> bool: ...

    def changes(self, query: ChangeQuery) -> Sequence[tuple[int, Change]]:
        """The latest first, with their numbers."""


class Exporter(Protocol):
    """What the routes show."""

    @property
    def journal(self) -> Journal: ...

    @property
    def statuses(self) -> Sequence[Status]: ...

    @property
    def exposed(self) -> Exposed: ...

    @property
    def configuration(self) -> str:
        """The active configuration as YAML, without its secrets."""

    @property
    def reloads(self) -> Reloads: ...

    @property
    def alive(self) -> bool:
        """Whether polls are still being started, and none is overdue."""

    def reload(self) -> None:
        """Read the configuration again. Raises `ConfigError` with all mistakes, and then nothing has changed."""


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
    pages = _Pages(exporter, shared_seconds)
    # Metrics compress themselves, as most of their text is the same from scrape to scrape.
    compressed = [Middleware(GZipMiddleware, minimum_size=SMALLEST_COMPRESSED, compresslevel=1)]
    routes = [
        Route("/metrics", pages.metrics),
        Route("/", pages.page, middleware=compressed),
        Route("/status.css", pages.style, middleware=compressed),
        Route("/status.json", pages.status, middleware=compressed),
        Route("/csrs", pages.csrs, middleware=compressed),
        Route("/csrs.csv", pages.csrs_csv, middleware=compressed),
        Route("/csrs.json", pages.csrs_json, middleware=compressed),
        Route("/changes", pages.changes, middleware=compressed),
        Route("/changes.json", pages.changes_json, middleware=compressed),
        Route("/config", pages.config, middleware=compressed),
        *_probes(pages),
        Route("/-/reload", _reloading(reload) if reload else _no_lifecycle, methods=["POST"]),
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
        form = preferred_format(_header(request, "Accept"))
        compressed = accepts_gzip(_header(request, "Accept-Encoding"))
        headers = {"Content-Type": form.content_type, "Vary": "Accept, Accept-Encoding"}
        encoding = {"Content-Encoding": "gzip"} if compressed else {}
        body = self._shared_body(self._selected(request), form, compressed=compressed)
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

    def _selected(self, request: Request) -> Sequence[Status]:
        """The statuses of the accounts that *request* names, or of all. Raises `HTTPException`."""
        wanted = [name for name in request.query_params.getlist("account") if name]
        statuses = self._exporter.statuses
        if set(wanted) - {status.account.name for status in statuses}:
            raise HTTPException(404, "no such account is configured\n")
        return [status for status in statuses if not wanted or status.account.name in wanted]

    def page(self, request: Request) -> Response:
        shown = self._selected(request)
        exporter = self._exporter
        view, buckets = View.of(request.query_params.multi_items()), exporter.exposed.age_buckets
        facts = overview(shown, buckets, exporter.reloads, time.time(), alive=exporter.alive, show=view.show)
        language = preferred_language(_header(request, "Accept-Language"))
        html = render(facts, language, __version__, view)
        headers = {"Content-Language": language.tag, "Vary": "Accept-Language", **view.headers}
        return HTMLResponse(html, headers=headers)

    def csrs(self, request: Request) -> Response:
        self._selected(request)
        selection, page = queries.selection(request.query_params), queries.page(request.query_params)
        table = csr_table(self._exporter.statuses, selection, page, time.time(), self._exporter.exposed.policy)
        return _table(request, lambda language: render_csrs(table, language, __version__))

    def csrs_csv(self, request: Request) -> Response:
        headers = {"Content-Disposition": 'attachment; filename="csrs.csv"'}
        return StreamingResponse(csr_csv(self._found(request)), media_type="text/csv", headers=headers)

    def csrs_json(self, request: Request) -> Response:
        return StreamingResponse(csr_json(self._found(request)), media_type="application/json")

    def _found(self, request: Request) -> Found:
        selection = queries.selection(request.query_params)
        return find(self._selected(request), selection, time.time(), self._exporter.exposed.policy)

    def changes(self, request: Request) -> Response:
        query = queries.change_query(request.query_params, CHANGE_ROWS)
        journal = self._exporter.journal
        table = change_table(
            journal.changes(replace(query, limit=CHANGE_ROWS + 1)),  # one more tells whether another page follows
            query,
            [status.account.name for status in self._exporter.statuses],
            time.time(),
            stored=journal.failures is not None,
            failing=journal.failing,
        )
        return _table(request, lambda language: render_changes(table, language, __version__))

    def changes_json(self, request: Request) -> Response:
        query = queries.change_query(request.query_params, DEFAULT_CHANGES)
        changes = [change_fields(change) for _, change in self._exporter.journal.changes(query)]
        return JSONResponse({"version": __version__, "changes": changes})

    async def style(self, request: Request) -> Response:  # noqa: ARG002 - the signature of a handler
        # Its address changes with its content, so it may be cached.
        return Response(STYLE, media_type="text/css", headers={"Cache-Control": "max-age=86400"})

    def status(self, request: Request) -> Response:  # noqa: ARG002 - the signature of a handler
        return JSONResponse(status_json(self._exporter.statuses, __version__, time.time()))

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


def _table(request: Request, render: Callable[[Language], str]) -> Response:
    language = preferred_language(_header(request, "Accept-Language"))
    headers = {
        "Content-Language": language.tag,
        "Vary": "Accept-Language",
        "Content-Security-Policy": TABLE_POLICY,
    }
    return HTMLResponse(render(language), headers=headers)


def _header(request: Request, name: str) -> str:
    """The whole list in a header, in however many lines it came."""
    return ", ".join(request.headers.getlist(name))
