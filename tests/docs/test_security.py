"""What docs/security.md says is asked of the cloud."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.fakes import aksk, password
from tests.processes import ended

# More than its offsets reach, so that everything that a poll may do is done.
LARGE = SimulatedAccount("production", csrs=300, seed=7)
LIST = ("GET", "/v3/scm/csr")
TOKEN = ("POST", "/v3/auth/tokens")
CLOCK = ("HEAD", "/")

CREDENTIALS: dict[str, Callable[[str], dict[str, Any]]] = {
    "aksk": lambda _: aksk(LARGE),
    "password": lambda url: password(LARGE, url),
}


@pytest.mark.parametrize(
    ("command", "kind", "asked"),
    [
        (("once",), "aksk", {LIST}),
        (("once",), "password", {LIST, TOKEN}),
        (("check", "--live"), "aksk", {LIST, CLOCK}),
    ],
)
def test_the_cloud_is_asked_for_the_list_and_what_it_takes_to_get_it(
    tmp_path: Path, command: tuple[str, ...], kind: str, asked: set[tuple[str, str]]
) -> None:
    file = tmp_path / "config.yml"
    with Simulator([LARGE]) as simulator:
        account = {"name": "production", "endpoint": simulator.url, "credentials": CREDENTIALS[kind](simulator.url)}
        content = {"max_requests_per_second": 1000, "accounts": [account]}
        file.write_text(yaml.safe_dump(content), encoding="utf-8")

        result = ended(*command, f"--config.file={file}")

        assert result.returncode == 0, result.stderr
        assert {(each.method, each.path) for each in simulator.requests} == asked
