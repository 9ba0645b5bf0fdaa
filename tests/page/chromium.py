"""A real browser, driven by Playwright, and the status page as the exporter serves it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from csr_exporter.status import Status
from csr_exporter.web.middleware import AccessMiddleware
from csr_exporter.web.routes import application
from tests.fakes import FakeExporter, FakeJournal
from tests.processes import tool
from tests.web.serving import served


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    program = tool("chromium", "chromium")
    with sync_playwright() as playwright:
        # As root, which CI may be, Chromium starts only without its sandbox; the pages are our own.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def status_page(statuses: Sequence[Status], prefix: str = "", journal: FakeJournal | None = None) -> Iterator[str]:
    """The address of the page of *statuses*, with all headers that it is really served with."""
    with served(AccessMiddleware(application(FakeExporter(*statuses, journal=journal), prefix))) as server:
        yield f"http://127.0.0.1:{server.port}{prefix}/"
