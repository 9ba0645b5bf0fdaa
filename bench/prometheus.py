"""A real Prometheus that holds many accounts and CSRs, written by our own exposition."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import yaml

from bench.world import NOW, a_status, replies
from csr_exporter.exposition import OPENMETRICS, exposition, joined
from csr_exporter.inventory import Reason, Snapshot, SourceError
from csr_exporter.metrics import Exposed, exporter_families
from csr_exporter.policy import Glob, Owner, Policy, Rule, Rules, Selector, Waiver
from csr_exporter.status import Reloads, Status

TARGET = b'job="csr-exporter",instance="one"'
DAY = 86_400.0
SPAN, STEP = 25 * 3600, 300
"""Seconds of history, and between its samples: a day, as long as any range of the rules but the forecast's."""

REMEMBERED = (
    b"scm_csrs{",
    b"scm_csr_reported",
    b"scm_csr_removed_total",
    b"scm_csr_up{",
    b"scm_csr_policy_",
    b"csr_exporter_last_success_timestamp_seconds",
    b"csr_exporter_poll_interval_seconds",
    b"csr_exporter_polls_total",
    b"csr_exporter_poll_failures_total",
)
"""What rules and dashboards ask of the past. All else has two samples, as of now and a minute before."""

POLICY = Policy(
    tuple(
        Owner(f"team-{number}", Selector((Glob.of("*a*"),), accounts=(Glob.of(f"*{number}"),))) for number in range(10)
    ),
    Rules(max_age=398 * DAY, allowed_algorithms=frozenset({"EC_P256"}), owner_required=True),
    tuple(
        Waiver(f"PKI-{number}", Rule.MAX_AGE, Selector((Glob.of(f"*{number}*"),)), NOW + number * DAY)
        for number in range(10)
    ),
)
"""Each account has CSRs of one owner, and some of none."""

ALL = Exposed(policy=POLICY)
OF_ACCOUNTS = Exposed(per_csr=False, policy=POLICY)

SECONDS = 600.0
FRESH = "2h"
"""How long a sample counts as current: loading and measuring take minutes."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running server: its API, and what it takes."""

    address: str
    directory: Path
    process: subprocess.Popen[bytes]

    def get(self, path: str, **parameters: str | float) -> Any:  # noqa: ANN401 - whatever the API gives
        """The data of a reply. Raises `OSError`."""
        return json.loads(self._read(f"api/v1/{path}?{urllib.parse.urlencode(parameters)}"))["data"]

    def _read(self, path: str) -> str:
        with urllib.request.urlopen(f"{self.address}/{path}", timeout=SECONDS) as reply:  # noqa: S310 - loopback
            text: str = reply.read().decode()
            return text

    def own(self, metric: str) -> float:
        """The value of a *metric* of the server itself, the sum if it has several. Raises `OSError`."""
        found = re.findall(rf"^{metric}(?:\{{.*\}})? (\S+)$", self._read("metrics"), re.MULTILINE)
        return sum(map(float, found))

    def evaluate(self, group: dict[str, Any], seconds: int) -> None:
        """Evaluate one *group* of rules from now on, and no other."""
        content = yaml.safe_dump({"groups": [group | {"interval": f"{seconds}s"}]})
        (self.directory / "rules.yml").write_text(content, encoding="utf-8")
        self.process.send_signal(signal.SIGHUP)


@contextmanager
def loaded(accounts: int, csrs: int) -> Iterator[Prometheus]:
    """A server with so many accounts of so many CSRs each, one in ten of which fails."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        _write_blocks(directory, _statuses(accounts, csrs, time.time()))
        (directory / "prometheus.yml").write_text("rule_files: [rules.yml]\n", encoding="utf-8")
        with _running(directory) as server:
            yield server


def _statuses(accounts: int, csrs: int, now: float) -> list[Status]:
    """Accounts that all hold the same CSRs, the oldest of which are older than any rule wants."""
    one = a_status(replies(csrs))
    failed = SourceError(Reason.UNREACHABLE, "no route to host")
    made = []
    for number in range(accounts):
        account = replace(one.account, name=f"account-{number}", limit=10 * csrs)
        # Of its own, because lines and judgements are cached for it.
        snapshot = Snapshot(one.snapshot.inventory) if one.snapshot else None
        status = replace(one, account=account, snapshot=snapshot, last_success=now - 60, last_poll=now - 60)
        made.append(status.after_failure(failed, now - 60, seconds=1.0) if number % 10 == 0 else status)
    return made


def _write_blocks(directory: Path, statuses: Sequence[Status]) -> None:
    """Fill the storage of a server: ``promtool tsdb create-blocks-from openmetrics``."""
    file, end = directory / "samples.om", int(time.time())
    lines = _lines(statuses, end, ALL)
    past = [line for line in _lines(statuses, end, OF_ACCOUNTS) if line.startswith(REMEMBERED)]
    with file.open("wb") as out:
        for at in range(end - SPAN, end - STEP, STEP):
            _write(out, past, at)
        for at in (end - 60, end):
            _write(out, lines, at)
        out.write(OPENMETRICS.end)
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(file), str(directory / "data")]
    subprocess.run([*command, "--max-block-duration=48h"], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
    file.unlink()


def _write(out: IO[bytes], lines: Sequence[bytes], at: int) -> None:
    stamp = f" {at}\n".encode()
    out.writelines(line + stamp for line in lines)


def _lines(statuses: Sequence[Status], now: int, exposed: Exposed) -> list[bytes]:
    """The exposition as of *now*, as the server would have labelled what it scraped, without times."""
    build = exporter_families(Reloads("same", now, accounts=len(statuses)), waivers=POLICY.waivers)
    text = joined(exposition(statuses, exposed, float(now), [*build], OPENMETRICS))
    return [_labelled(line) for line in [*text.splitlines(), b"up 1"] if not line.startswith(b"#")]


def _labelled(line: bytes) -> bytes:
    """*line* with the labels of the target."""
    name, brace, rest = line.partition(b"{")
    if brace:
        return name + b"{" + TARGET + b"," + rest
    name, _, value = line.partition(b" ")
    return name + b"{" + TARGET + b"} " + value


@contextmanager
def _running(directory: Path) -> Iterator[Prometheus]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    command = [
        "prometheus",
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
        f"--query.lookback-delta={FRESH}",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - ours
        try:
            yield _ready(Prometheus(f"http://{address}", directory, process))
        finally:
            process.terminate()
            process.wait(SECONDS)


def _ready(server: Prometheus) -> Prometheus:
    """*server*, once it answers. Raises `TimeoutError`."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            server.get("query", query="1")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
        else:
            return server
    raise TimeoutError("Prometheus did not start")
