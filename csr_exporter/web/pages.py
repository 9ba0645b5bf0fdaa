"""The pages for people, and the same as JSON and CSV. The daemon imports this once somebody asks for one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route, Router

from csr_exporter import __version__
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
from csr_exporter.web import queries
from csr_exporter.web.exporter import Exporter, header, selected
from csr_exporter.web.middleware import SECURITY_HEADERS

TABLE_POLICY = SECURITY_HEADERS["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'")
"""Of the pages that have a form, which filters what they show."""

DEFAULT_CHANGES = 1000
"""In a reply of ``/changes.json`` that does not ask for another number."""


def application(exporter: Exporter) -> Router:
    """The routes of the pages that show *exporter*."""
    pages = _Pages(exporter)
    routes = [
        Route("/", pages.page),
        Route("/status.css", pages.style),
        Route("/status.json", pages.status),
        Route("/csrs", pages.csrs),
        Route("/csrs.csv", pages.csrs_csv),
        Route("/csrs.json", pages.csrs_json),
        Route("/changes", pages.changes),
        Route("/changes.json", pages.changes_json),
    ]
    return Router(routes, redirect_slashes=False)


class _Pages:
    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter

    def page(self, request: Request) -> Response:
        shown = selected(self._exporter, request)
        exporter = self._exporter
        view, buckets = View.of(request.query_params.multi_items()), exporter.exposed.age_buckets
        facts = overview(shown, buckets, exporter.reloads, time.time(), alive=exporter.alive, show=view.show)
        language = preferred_language(header(request, "Accept-Language"))
        html = render(facts, language, __version__, view)
        headers = {"Content-Language": language.tag, "Vary": "Accept-Language", **view.headers}
        return HTMLResponse(html, headers=headers)

    def csrs(self, request: Request) -> Response:
        selected(self._exporter, request)
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
        return find(selected(self._exporter, request), selection, time.time(), self._exporter.exposed.policy)

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


def _table(request: Request, render: Callable[[Language], str]) -> Response:
    language = preferred_language(header(request, "Accept-Language"))
    headers = {
        "Content-Language": language.tag,
        "Vary": "Accept-Language",
        "Content-Security-Policy": TABLE_POLICY,
    }
    return HTMLResponse(render(language), headers=headers)
