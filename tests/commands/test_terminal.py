"""What people see of the commands on a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from rich.cells import cell_len

from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.commands.invoking import invoke
from tests.commands.terminal import on_terminal, plain
from tests.fakes import aksk

PRODUCTION = SimulatedAccount("production", csrs=60, seed=5)
SHOW_CURSOR = "\x1b[?25h"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator([PRODUCTION]) as simulator:
        yield simulator


@pytest.fixture
def file(simulator: Simulator, tmp_path: Path) -> str:
    """Of two accounts, one of which has a wrong secret."""
    wrong = {**aksk(PRODUCTION), "secret_key": "hunter2"}
    accounts = [
        {"name": name, "endpoint": simulator.url, "credentials": credentials}
        for name, credentials in (("production", aksk(PRODUCTION)), ("refused", wrong))
    ]
    path = tmp_path / "config.yml"
    path.write_text(yaml.safe_dump({"accounts": accounts}), encoding="utf-8")
    return f"--config.file={path}"


def after_progress(text: str) -> list[str]:
    """The lines on the screen once the bars are gone."""
    return plain(text.rpartition(SHOW_CURSOR)[2]).replace("\r", "").splitlines()


@pytest.mark.parametrize(
    ("columns", "titles"),
    [
        (60, ["Name", "Algorithm", "Age"]),
        (80, ["Account", "Name", "Algorithm", "Age"]),
        (120, ["Account", "Name", "Domain", "Algorithm", "Created", "Age"]),
        (160, ["Account", "Name", "Domain", "Algorithm", "Usage", "Created", "Age"]),
    ],
)
def test_a_table_has_the_columns_that_fit_and_of_these_all(
    simulator: Simulator, file: str, columns: int, titles: list[str]
) -> None:
    head, _, *rows = after_progress(on_terminal(columns, "list", file))
    text = "\n".join(rows)

    assert head.strip().split() == titles
    assert all(cell_len(line) <= columns for line in rows)
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    for record in simulator.records("production"):
        name = str(record["name"])  # a long one goes on in the next line
        assert re.search(rf"{re.escape(name[:30])}.* {record['private_key_algo']} .* \d+ d\n", text)
    if "Created" in titles:
        assert len(re.findall(r" \d{4}-\d\d-\d\d \d\d:\d\d ", text)) == 60


def test_a_table_that_is_piped_is_whole_whatever_its_width(simulator: Simulator, file: str) -> None:
    text = invoke("list", file).stdout

    for record in simulator.records("production"):
        assert re.search(rf"{re.escape(str(record['name']))} +{re.escape(str(record['domain_name']))} ", text)


def test_progress_is_gone_before_the_table_and_failures_follow_it(file: str) -> None:
    text = on_terminal(80, "list", file, "--log.level=info")

    drawn, lines = plain(text.rpartition(SHOW_CURSOR)[0]), after_progress(text)

    assert "/60 CSRs" in drawn
    assert "poll_" not in drawn
    last_row = max(number for number, line in enumerate(lines) if line.endswith(" d"))
    assert not any("CSRs" in line for line in lines[:last_row])
    assert [line.partition(":")[0] for line in lines if line.startswith("refused: unauthorized: ")] == ["refused"]
    later = "\n".join(lines[last_row + 1 :])
    assert "refused: unauthorized" in later
    assert re.search(r"^\d{4}-\d\d-\d\dT\S+ \[warning *\] poll_failed ", later, re.MULTILINE)


def test_a_failure_is_said_once_unless_the_log_is_asked_for(file: str) -> None:
    assert plain(on_terminal(200, "list", file)).count("refused: ") == 1
    assert "poll_failed" not in on_terminal(80, "list", file)


def test_check_breaks_lines_at_words(file: str) -> None:
    _, _, reports = plain(on_terminal(60, "check", "--live", file)).partition("\n\n")
    text = reports.partition("For prometheus.yml")[0]

    assert max(map(cell_len, text.splitlines())) <= 60
    advice = "-> check the key, password or token, that it belongs to this site, and this machine's clock; "
    assert advice in " ".join(text.split())
    assert re.search(r"^ {21}-> check the key, .*\n {24}\w", text, re.MULTILINE)
