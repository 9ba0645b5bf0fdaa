"""Programs that scrape and write to a remote end, and those that receive it."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import requests

from tests.docs.pages import ROOT, Page
from tests.processes import DEADLINE, free_port, prometheus_in, started, tool

PAGE = Page(ROOT / "docs" / "recipes" / "README.md")


@dataclass(frozen=True, slots=True)
class Agent:
    """A *program*, from *source*, and the *flags* that keep it to a folder and a port of its own."""

    program: str
    source: str
    flags: str


AGENTS = {
    "prometheus": Agent("prometheus", "prometheus", "--storage.agent.path={data} --web.listen-address={address}"),
    "vmagent": Agent("vmagent", "victoria-metrics", "-remoteWrite.tmpDataPath={data} -httpListenAddr={address}"),
    "otelcol-contrib": Agent(
        "otelcol", "go.opentelemetry.io/collector/cmd/builder", "--set=service::telemetry::metrics::level=none"
    ),
}
"""By the name that the page calls them by, in the comment that their configuration begins with."""


@contextmanager
def agent(name: str, folder: Path, exporter: str, receiver: str) -> Iterator[None]:
    """Agent *name* as the page has it, but with our addresses, and a scrape each second."""
    (block,) = [each.text for each in PAGE.blocks if each.text.startswith(f"# {name} ")]
    file = folder / f"{name}.yml"
    text = at_home(block, exporter, receiver)
    file.write_text(text, encoding="utf-8")
    known = AGENTS[name]
    program = tool(known.program, known.source)
    words = [re.sub(r"=\w+\.yml$", f"={file}", word) for word in shlex.split(text.splitlines()[0], comments=False)[2:]]
    flags = known.flags.format(data=folder / name, address=f"127.0.0.1:{free_port()}").split()
    with started(program, *(_spelt(program, word) for word in words if word.startswith("-")), *flags):
        yield


def at_home(text: str, exporter: str, receiver: str) -> str:
    """The configuration *text*, with our addresses in place of those of the page."""
    text = text.replace("csr-exporter:10065", exporter.removeprefix("http://"))
    text = re.sub(r"https?://\S+", receiver, text)
    return re.sub(r"( *)- job_name: csr-exporter", r"\g<0>\n\1  scrape_interval: 1s", text)


def _spelt(program: Path, flag: str) -> str:
    """*flag*, or what it was before Prometheus 3."""
    return "--enable-feature=agent" if flag == "--agent" and "--[no-]agent " not in _help(program) else flag


@cache
def _help(program: Path) -> str:
    return subprocess.run([program, "--help"], check=False, capture_output=True, text=True, timeout=DEADLINE).stdout


@contextmanager
def receiving_prometheus(folder: Path) -> Iterator[str]:
    """The address of a Prometheus that takes remote write at ``/api/v1/write``."""
    folder.mkdir()
    (folder / "prometheus.yml").write_text("{}", encoding="utf-8")
    with prometheus_in(tool("prometheus", "prometheus"), folder, "--web.enable-remote-write-receiver") as url:
        yield url


@contextmanager
def victoria_metrics(folder: Path) -> Iterator[str]:
    """The address of a VictoriaMetrics, which takes remote write at the same path."""
    address = f"127.0.0.1:{free_port()}"
    program = tool("victoria-metrics", "victoria-metrics")
    with started(program, f"-storageDataPath={folder}", f"-httpListenAddr={address}"):
        yield f"http://{address}"


class Gate(ThreadingHTTPServer):
    """Takes remote write as AOM's reference says, with the access *code* alone, and hands it to *receiver*."""

    def __init__(self, code: str, receiver: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.code = code
        self.receiver = receiver
        self.refused = 0
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Passing(BaseHTTPRequestHandler):
    server: Gate

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        status = 401
        if self.headers["Authorization"] == f"Bearer {self.server.code}":
            kept = {name: value for name, value in self.headers.items() if name.startswith(("Content-", "X-"))}
            target = f"{self.server.receiver}/api/v1/write"
            status = requests.post(target, content, headers=kept, timeout=DEADLINE).status_code
        else:
            self.server.refused += 1
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


@contextmanager
def gate(code: str, receiver: str) -> Iterator[Gate]:
    """A `Gate` that is open until the block ends."""
    with Gate(code, receiver) as opened:
        thread = Thread(target=opened.serve_forever)
        thread.start()
        try:
            yield opened
        finally:
            opened.shutdown()
            thread.join()
