"""The log: one event per line, in the form asked for."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from csr_exporter import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


def test_an_event_is_one_line_of_logfmt(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "logfmt")

    structlog.get_logger().info("poll_succeeded", account="two\nlines", complete=True, listed=3)

    out, err = capfd.readouterr()
    assert out == ""
    ts, rest = err.split(" ", 1)
    assert ts.startswith("ts=")
    assert rest == "level=info event=poll_succeeded account=two\\nlines complete=true listed=3\n"


def test_an_event_is_one_object_of_json(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")

    structlog.get_logger().warning("poll_failed", detail="订单异常")

    (line,) = capfd.readouterr().err.splitlines()
    event = json.loads(line)
    assert (event["level"], event["event"], event["detail"]) == ("warning", "poll_failed", "订单异常")


def test_less_severe_events_are_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning", "logfmt")

    structlog.get_logger().info("poll_succeeded")

    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("form", logs.FORMATS)
def test_a_traceback_shows_no_local_variable(capfd: pytest.CaptureFixture[str], form: logs.Format) -> None:
    logs.configure("info", form)
    password = "hunter2"

    try:
        len(password) / 0
    except ZeroDivisionError:
        structlog.get_logger().exception("poll_crashed")

    err = capfd.readouterr().err
    assert "ZeroDivisionError" in err
    assert "hunter2" not in err


def test_errors_of_libraries_come_in_the_same_form(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")

    logging.getLogger("somewhere").error("broken")
    logging.getLogger("somewhere").warning("not worth a line")

    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "broken"
