"""The HTTP surface, in process and without a socket."""

from __future__ import annotations

import asyncio
import re

import httpx2
import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message

from csr_exporter.inventory import Reason, SourceError
from csr_exporter.status import Account, Status
from csr_exporter.web.routes import application
from tests.fakes import NOW, FakeExporter, a_csr, a_status


def a_large_exporter() -> FakeExporter:
    return FakeExporter(a_status(*[a_csr(f"{number}") for number in range(200)]))


def get(path: str, exporter: FakeExporter | None = None, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response: httpx2.Response = TestClient(application(exporter or FakeExporter())).get(path, headers=named)
    return response


def test_metrics_are_text_unless_openmetrics_is_asked_for() -> None:
    plain = get("/metrics")
    openmetrics = get("/metrics", Accept="application/openmetrics-text;version=1.0.0")

    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert openmetrics.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert openmetrics.text.endswith("# EOF\n")
    assert "# EOF" not in plain.text


@pytest.mark.parametrize("encoding", ["gzip", "deflate, gzip;q=0.5", "*"])
def test_metrics_are_compressed_once_for_those_who_ask(encoding: str) -> None:
    response = get("/metrics", a_large_exporter(), Accept_Encoding=encoding)

    assert response.headers["Content-Encoding"] == "gzip"
    assert response.text.startswith("# HELP scm_csrs ")
    assert int(response.headers["Content-Length"]) < len(response.text) / 4


@pytest.mark.parametrize("encoding", ["identity", "", "gzip;q=0", "br"])
def test_metrics_are_plain_for_those_who_do_not(encoding: str) -> None:
    response = get("/metrics", a_large_exporter(), Accept_Encoding=encoding)

    assert "Content-Encoding" not in response.headers
    assert response.text.startswith("# HELP scm_csrs ")


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_caches_are_told_what_the_metrics_depend_on(encoding: str) -> None:
    assert get("/metrics", Accept_Encoding=encoding).headers["Vary"] == "Accept, Accept-Encoding"


def test_a_head_request_gets_the_headers_of_the_metrics_and_no_body() -> None:
    client = TestClient(application(a_large_exporter()))

    response = client.head("/metrics", headers={"Accept-Encoding": "gzip", "Accept": "application/openmetrics-text"})

    assert response.status_code == 200
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert int(response.headers["Content-Length"]) > 0


def test_metrics_hold_every_account_the_exporter_and_the_process() -> None:
    text = get("/metrics").text

    assert 'scm_csr_up{account="production"}' in text
    assert 'scm_csr_up{account="staging"}' in text
    assert "csr_exporter_build_info{" in text
    assert "process_resident_memory_bytes" in text
    assert "python_info{" in text


def test_metrics_can_be_narrowed_to_accounts() -> None:
    text = get("/metrics?account=staging").text

    assert 'account="staging"' in text
    assert 'account="production"' not in text


def test_an_account_that_is_not_configured_is_not_found_and_not_repeated() -> None:
    response = get("/metrics?account=staging&account=<script>")

    assert (response.status_code, response.text) == (404, "no such account is configured\n")


def test_scrapes_of_one_moment_share_one_body_unless_what_it_says_has_changed() -> None:
    exporter = a_large_exporter()
    routes = application(exporter)

    first, second, compressed = scraped(routes), scraped(routes), scraped(routes, b"gzip")
    exporter.statuses = (a_status(a_csr("new")),)
    changed = scraped(routes)
    fresh = application(exporter, shared_seconds=0.0)

    assert first is second
    assert compressed is not first
    assert b'"new"' in changed
    assert scraped(fresh) is not scraped(fresh)


def scraped(routes: ASGIApp, encoding: bytes = b"identity") -> bytes:
    """The body that *routes* sends for ``/metrics``: the object itself."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    headers = [(b"accept-encoding", encoding)]
    scope = {"type": "http", "method": "GET", "path": "/metrics", "query_string": b"", "headers": headers}
    asyncio.run(routes(scope, receive, send))  # type: ignore[arg-type] # a coroutine, as written here
    body: bytes = sent[1]["body"]
    return body


def test_healthy_as_long_as_polls_are_scheduled() -> None:
    assert get("/-/healthy").status_code == 200
    assert get("/-/healthy", FakeExporter(alive=False)).status_code == 503


def test_ready_once_every_account_was_polled_whatever_came_of_it() -> None:
    waiting = Status(Account("staging"))
    failed = waiting.after_failure(SourceError(Reason.TLS, ""), NOW, 0.1)

    unready = get("/-/ready", FakeExporter(a_status(), waiting))
    ready = get("/-/ready", FakeExporter(a_status(), failed))

    assert (unready.status_code, unready.text) == (503, "Waiting for the first poll of: staging\n")
    assert ready.status_code == 200


def test_the_page_comes_in_the_language_that_is_preferred() -> None:
    chinese = get("/", Accept_Language="zh-CN,zh;q=0.9,en;q=0.8")
    english = get("/", Accept_Language="fr")

    assert chinese.headers["Content-Type"] == "text/html; charset=utf-8"
    assert (chinese.headers["Content-Language"], english.headers["Content-Language"]) == ("zh-CN", "en")
    assert '<html lang="zh-CN">' in chinese.text
    assert "Accept-Language" in english.headers["Vary"]


def test_the_page_can_be_narrowed_to_an_account() -> None:
    page = get("/?account=staging")

    assert "<bdi>staging</bdi>" in page.text
    assert "<bdi>production</bdi>" not in page.text
    assert get("/?account=nobody").status_code == 404


def test_the_page_says_when_polls_have_stopped_or_a_configuration_was_rejected() -> None:
    well, stopped, old = get("/"), get("/", FakeExporter(alive=False)), get("/", FakeExporter(reloaded=False))

    assert 'class="alarm"' not in well.text
    assert "Polls have stopped, or one is overdue." in stopped.text
    assert "an older one is in force" in old.text


def test_the_style_may_be_kept_because_its_address_changes_with_it() -> None:
    (address,) = re.findall(r'<link rel="stylesheet" href="([^"]+)">', get("/").text)

    style = get(f"/{address}")

    assert style.headers["Content-Type"] == "text/css; charset=utf-8"
    assert style.headers["Cache-Control"] == "max-age=86400"


def test_the_configuration_in_force_is_shown_as_text() -> None:
    response = get("/config")

    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.text == "poll_interval: 5m\n"


def test_the_status_for_programs_has_every_account() -> None:
    response = get("/status.json")

    assert response.headers["Content-Type"] == "application/json"
    assert [each["account"] for each in response.json()["accounts"]] == ["production", "staging"]


@pytest.mark.parametrize(("path", "status"), [("/nope", 404), ("/metrics/", 404), ("/-/reload", 405)])
def test_what_is_not_there_is_refused_in_plain_text(path: str, status: int) -> None:
    response = get(path)

    assert response.status_code == status
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_other_methods_are_not_allowed() -> None:
    response = TestClient(application(FakeExporter())).post("/metrics")

    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}
