"""What the routes show, and what every request may choose of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request

from csr_exporter.inventory import Change, ChangeQuery
from csr_exporter.metrics import Exposed
from csr_exporter.status import Reloads, Status


class Journal(Protocol):
    """Where the changes come from."""

    @property
    def failures(self) -> int | None:
        """How often the storage failed; None without storage."""

    @property
    def failing(self) -> bool: ...

    def changes(self, query: ChangeQuery) -> Sequence[tuple[int, Change]]:
        """The latest first, with their numbers."""


class Exporter(Protocol):
    """What the routes show."""

    @property
    def journal(self) -> Journal: ...

    @property
    def statuses(self) -> Sequence[Status]: ...

    @property
    def exposed(self) -> Exposed: ...

    @property
    def configuration(self) -> str:
        """The active configuration as YAML, without its secrets."""

    @property
    def reloads(self) -> Reloads: ...

    @property
    def alive(self) -> bool:
        """Whether polls are still being started, and none is overdue."""

    def reload(self) -> None:
        """Read the configuration again. Raises `ConfigError` with all mistakes, and then nothing has changed."""


def selected(exporter: Exporter, request: Request) -> Sequence[Status]:
    """The statuses of the accounts that *request* names, or of all. Raises `HTTPException`."""
    wanted = [name for name in request.query_params.getlist("account") if name]
    statuses = exporter.statuses
    if set(wanted) - {status.account.name for status in statuses}:
        raise HTTPException(404, "no such account is configured\n")
    return [status for status in statuses if not wanted or status.account.name in wanted]


def header(request: Request, name: str) -> str:
    """The whole list in a header, in however many lines it came."""
    return ", ".join(request.headers.getlist(name))
