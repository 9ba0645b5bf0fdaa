"""Flags that commands share. Each has an environment variable: ``--log.level`` is ``CSR_EXPORTER_LOG_LEVEL``."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import click

from csr_exporter.config import seconds
from csr_exporter.polling.sharding import Shard, ShardError
from csr_exporter.web.server import Address, AddressError

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class Parsed(click.ParamType[T], Generic[T]):
    """A value that *parse* makes of the text of a flag, named *name* in the help."""

    def __init__(self, name: str, parse: Callable[[str], T]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:  # noqa: ANN401 - as click has it
        try:
            return self._parse(value) if isinstance(value, str) else value  # click also passes values already parsed
        except (AddressError, ShardError, ValueError) as error:
            self.fail(str(error), param, ctx)


ADDRESS = Parsed("host:port", Address.parse)
SHARD = Parsed("k/n", lambda text: Shard.parse(text, socket.gethostname()))


def _prefix(text: str) -> str:
    """A path before all others, such as ``/csr``, or nothing. Raises `ValueError`."""
    path = text.strip("/")
    if path and not re.fullmatch(r"[\w.~-]+(/[\w.~-]+)*", path, re.ASCII):
        raise ValueError("expected a path such as /csr, of letters, digits and - . _ ~")
    return f"/{path}" if path else ""


def _external_path(text: str) -> str:
    """The path of a URL, which may also be given alone. Raises `ValueError`."""
    expected = ValueError("expected a URL such as https://monitoring.example.com/csr")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise expected from None
    whole = parts.scheme in {"http", "https"} and parts.hostname
    alone = not parts.scheme and not parts.netloc and parts.path.startswith("/")
    if not (whole or alone) or parts.query or parts.fragment:
        raise expected
    return _prefix(parts.path)


def flag(name: str, **attributes: Any) -> Callable[[F], F]:  # noqa: ANN401 - passed on
    """A flag such as ``--log.level``, given to the command as ``log_level``."""
    variable = name.strip("-").replace(".", "_").replace("-", "_")
    return click.option(
        name, variable, envvar=f"CSR_EXPORTER_{variable.upper()}", show_default=True, show_envvar=True, **attributes
    )


def together(*flags: Callable[[F], F]) -> Callable[[F], F]:
    """All of *flags* as one."""

    def decorate(command: F) -> F:
        for each in reversed(flags):
            command = each(command)
        return command

    return decorate


DURATION = Parsed("duration", seconds)

storage_path = flag(
    "--storage.path",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the journal, where changes, counters and inventories outlast a restart. [default: in memory]",
)

config_file = flag(
    "--config.file",
    type=click.Path(path_type=Path),
    help="YAML configuration file. Without it, one account is configured by environment variables.",
)

serving = together(
    flag(
        "--web.listen-address",
        type=ADDRESS,
        multiple=True,
        default=[":10065"],
        help="Address to listen on; port 0 picks a free one. Repeatable.",
    ),
    flag(
        "--web.config.file",
        type=click.Path(path_type=Path),
        help="TLS, users and headers, in the format of Prometheus' exporter-toolkit.",
    ),
    flag(
        "--web.probe-address", type=ADDRESS, help="Extra address for /-/healthy and /-/ready, without authentication."
    ),
    flag("--web.enable-lifecycle", is_flag=True, help="Enable POST /-/reload, which reloads the configuration."),
    flag(
        "--web.external-url",
        type=Parsed("url", _external_path),
        help="URL under which a reverse proxy publishes the exporter; its path is the default route prefix.",
    ),
    flag(
        "--web.route-prefix",
        type=Parsed("path", _prefix),
        help="Prefix of all paths. [default: the path of --web.external-url]",
    ),
)
"""The flags of the web server."""
