"""The log: one event per line, in the form asked for."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from csr_exporter import logs
from tests.processes import DEADLINE


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


def written(capfd: pytest.CaptureFixture[str]) -> str:
    logs.flush()
    return capfd.readouterr().err


def test_an_event_is_one_line_of_logfmt(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "logfmt")

    structlog.get_logger().info("poll_succeeded", account="two\nlines", complete=True, listed=3)

    logs.flush()
    out, err = capfd.readouterr()
    assert out == ""
    ts, rest = err.split(" ", 1)
    assert ts.startswith("ts=")
    assert rest == "level=info event=poll_succeeded account=two\\nlines complete=true listed=3\n"


def test_an_event_for_people_begins_with_the_time(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "console")

    structlog.get_logger().info("poll_succeeded", account="production")

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\S+Z \[info +\] poll_succeeded +account=production\n", written(capfd))


def test_what_is_logged_while_the_log_is_held_back_is_written_then(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "logfmt")

    with logs.held_back():
        structlog.get_logger().info("poll_succeeded")
        sys.stderr.write("the table\n")

    first, second = written(capfd).splitlines()
    assert (first, second.partition("event=")[2]) == ("the table", "poll_succeeded")


def test_an_event_is_one_object_of_json(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")

    structlog.get_logger().warning("poll_failed", detail="订单异常")

    (line,) = written(capfd).splitlines()
    event = json.loads(line)
    assert (event["level"], event["event"], event["detail"]) == ("warning", "poll_failed", "订单异常")


def test_less_severe_events_are_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning", "logfmt")

    structlog.get_logger().info("poll_succeeded")

    assert written(capfd) == ""


@pytest.mark.parametrize("form", logs.FORMATS)
def test_a_traceback_shows_no_local_variable(capfd: pytest.CaptureFixture[str], form: logs.Format) -> None:
    logs.configure("info", form)
    password = "hunter2"

    try:
        len(password) / 0
    except ZeroDivisionError:
        structlog.get_logger().exception("poll_crashed")

    err = written(capfd)
    assert "ZeroDivisionError" in err
    assert "hunter2" not in err


def test_errors_of_libraries_come_in_the_same_form(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")

    logging.getLogger("somewhere").error("broken")
    logging.getLogger("somewhere").warning("not worth a line")

    (line,) = written(capfd).splitlines()
    assert json.loads(line)["event"] == "broken"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_fault_that_repeats_is_logged_once_a_minute_with_its_count() -> None:
    clock = Clock()
    once = logs.OncePerMinute(clock)

    def logged(message: str, error: type[OSError] = OSError) -> str | None:
        info = (error, error(), None)
        record = logging.LogRecord("asyncio", logging.ERROR, "", 0, "%s", (message,), info)
        return record.getMessage() if once.filter(record) else None

    assert logged("accept failed\nsocket: 1") == "accept failed\nsocket: 1"
    assert [logged(f"accept failed\nsocket: {number}") for number in range(1000)] == [None] * 1000
    assert logged("accept failed", ConnectionError) == "accept failed"
    assert logged("another fault") == "another fault"
    clock.now = 60.0
    assert logged("accept failed\nsocket: 2") == "accept failed\nsocket: 2 (1000 more since the last line)"
    assert logged("accept failed\nsocket: 2") is None
    clock.now = 120.0
    assert logged("accept failed") == "accept failed (1 more since the last line)"
    clock.now = 180.0
    assert logged("accept failed") == "accept failed"


def test_a_fault_that_repeats_in_a_library_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "logfmt")

    for _ in range(3):
        logging.getLogger("asyncio").error("accept failed")

    assert written(capfd).count("accept failed") == 1


STALLED = """
import sys, structlog
from csr_exporter import logs
from tests.processes import DEADLINE
logs.configure("info", "logfmt")
for number in range(30_000):
    structlog.get_logger().info("something_happened", number=number)
print("done", flush=True)
sys.stdin.readline()
structlog.get_logger().info("last")
logs.flush(20)
"""


def test_a_reader_that_stalls_delays_nobody_and_hears_what_it_missed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STALLED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "done\n"  # nothing was read from the log
        _, log = process.communicate("\n", DEADLINE)

    lines = log.splitlines()
    (dropped,) = [line for line in lines if "log_lines_dropped" in line]
    assert "number=0" in lines[0]
    assert int(dropped.rpartition("lines=")[2]) + len(lines) - 1 >= 30_000
    assert len(lines) < 15_000


def test_a_reader_that_is_gone_fails_nobody() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        [sys.executable, "-c", STALLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=writer, text=True
    ) as process:
        os.close(writer)
        out, _ = process.communicate("\n", DEADLINE)

    assert (out, process.returncode) == ("done\n", 0)
