"""Logging: one event per line on standard error, for machines or for people."""

from __future__ import annotations

import atexit
import logging
import os
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Literal

from csr_exporter.spared import spared

# To draw tracebacks, which we want plain: a twelfth of the time to start, and 4 MiB.
with spared("rich"):
    import structlog
    from structlog.typing import Processor

Format = Literal["logfmt", "json", "console"]
FORMATS: Sequence[Format] = ("logfmt", "json", "console")
LEVELS = ("debug", "info", "warning", "error")

STDERR = 2

MOST_LINES = 10_000
"""Lines that wait for a reader that has stalled; further ones are dropped and counted."""

FLUSH_SECONDS = 1.0
"""At the end of the process; a reader that has stalled must not keep it from ending."""

REPEAT_SECONDS = 60.0
"""Between two lines on the same fault in a library."""


def configure(level: str = "info", form: Format | None = None) -> None:
    """Log events of at least *level*; without a *form*, in columns on a terminal and as logfmt elsewhere."""
    form = form or ("console" if sys.stderr.isatty() else "logfmt")
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
    ]
    structlog.configure(
        processors=[*shared, *_renderers(form)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.WriteLogger(_writer),  # type: ignore[arg-type] # has what is used of a file
        cache_logger_on_first_use=False,
    )
    _take_over_the_libraries(shared, form)


def flush(seconds: float = FLUSH_SECONDS) -> None:
    """Wait until what was logged is written, for at most *seconds*."""
    _writer.drain(seconds)


@contextmanager
def held_back() -> Iterator[None]:
    """Write what is logged in the block when it ends, so that no line gets into what is drawn on a terminal."""
    _writer.may_write.clear()
    try:
        yield
    finally:
        _writer.may_write.set()


class _Writer:
    """A file that a daemon thread writes: a reader that has stalled or gone neither delays nor fails who logs."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[bytes | threading.Event] = SimpleQueue()
        self._dropped = 0
        self._thread: threading.Thread | None = None
        self.may_write = threading.Event()
        self.may_write.set()

    def write(self, text: str) -> None:
        if self._waiting.qsize() >= MOST_LINES:
            self._dropped += 1
            return
        self._waiting.put(text.encode("utf-8", "backslashreplace"))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            self._thread.start()

    def flush(self) -> None:
        """Part of what a file is; nobody waits for the thread."""

    def drain(self, seconds: float) -> None:
        if self._thread is not None:
            written = threading.Event()
            self._waiting.put(written)
            written.wait(seconds)

    def _run(self) -> None:
        while True:
            each = self._waiting.get()
            if isinstance(each, threading.Event):
                each.set()
                continue
            self.may_write.wait()
            _write(each)
            if self._dropped and self._waiting.qsize() < MOST_LINES / 2:
                dropped, self._dropped = self._dropped, 0
                structlog.get_logger().warning("log_lines_dropped", lines=dropped)


def _write(line: bytes) -> None:
    """Not by `sys.stderr`: a thread that hangs while it holds the lock of that file would abort the process's end."""
    while line:
        try:
            line = line[os.write(STDERR, line) :]
        except BlockingIOError:
            select.select([], [STDERR], [])
        except OSError:  # the reader is gone, and nobody is left to tell
            return


_writer = _Writer()
atexit.register(flush)


def _renderers(form: Format) -> list[Processor]:
    # A traceback never shows local variables: they may hold secrets.
    if form == "console":
        plain = structlog.dev.plain_traceback
        colours = sys.stderr.isatty()
        return [structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain, timestamp_key="ts")]
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False) if form == "json" else _logfmt()
    return [structlog.processors.format_exc_info, renderer]


def _logfmt() -> Processor:
    return structlog.processors.LogfmtRenderer(
        key_order=("ts", "level", "event"), drop_missing=True, bool_as_flag=False
    )


def _take_over_the_libraries(shared: list[Processor], form: Format) -> None:
    """Print the errors that libraries log in the same form as our events; their warnings repeat what we report."""
    handler = logging.StreamHandler(_writer)
    handler.addFilter(OncePerMinute().filter)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(form)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.ERROR)


class OncePerMinute:
    """Lets a fault that repeats through once a minute, with the number of those held back since."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._faults: dict[object, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[0] if record.exc_info else None
        # asyncio appends to its messages the objects at fault, which differ each time.
        fault = (record.name, record.getMessage().partition("\n")[0], error)
        now = self._clock()
        logged_at, held_back = self._faults.get(fault, (-REPEAT_SECONDS, 0))
        if now - logged_at < REPEAT_SECONDS:
            self._faults[fault] = (logged_at, held_back + 1)
            return False
        self._faults = {each: past for each, past in self._faults.items() if now - past[0] < REPEAT_SECONDS}
        self._faults[fault] = (now, 0)
        if held_back:
            record.msg, record.args = f"{record.getMessage()} ({held_back} more since the last line)", ()
        return True
