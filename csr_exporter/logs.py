"""Logging: one event per line on standard error, for machines or for people."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Literal

import structlog
from structlog.typing import Processor

Format = Literal["logfmt", "json", "console"]
FORMATS: Sequence[Format] = ("logfmt", "json", "console")
LEVELS = ("debug", "info", "warning", "error")


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
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    _take_over_the_libraries(shared, form)


def _renderers(form: Format) -> list[Processor]:
    # A traceback never shows local variables: they may hold secrets.
    if form == "console":
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False) if form == "json" else _logfmt()
    return [structlog.processors.format_exc_info, renderer]


def _logfmt() -> Processor:
    return structlog.processors.LogfmtRenderer(
        key_order=("ts", "level", "event"), drop_missing=True, bool_as_flag=False
    )


def _take_over_the_libraries(shared: list[Processor], form: Format) -> None:
    """Print the errors that libraries log in the same form as our events; their warnings repeat what we report."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(form)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.ERROR)
