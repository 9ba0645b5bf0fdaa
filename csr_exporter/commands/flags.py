"""Flags that commands share. Each has an environment variable: ``--log.level`` is ``CSR_EXPORTER_LOG_LEVEL``."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from csr_exporter.polling.sharding import Shard, ShardError
from csr_exporter.web.server import Address, AddressError

F = TypeVar("F", bound=Callable[..., Any])


def flag(name: str, **attributes: Any) -> Callable[[F], F]:  # noqa: ANN401 - passed on
    """A flag such as ``--log.level``, given to the command as ``log_level``."""
    variable = name.strip("-").replace(".", "_").replace("-", "_")
    return click.option(
        name, variable, envvar=f"CSR_EXPORTER_{variable.upper()}", show_default=True, show_envvar=True, **attributes
    )


class AddressType(click.ParamType[Address]):
    """An address to listen on."""

    name = "host:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:  # noqa: ANN401 - as click has it
        if isinstance(value, Address):
            return value
        try:
            return Address.parse(value)
        except AddressError as error:
            self.fail(str(error), param, ctx)


class PrefixType(click.ParamType[str]):
    """A path before all others, such as ``/csr``; empty where there is none."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - as click has it
        path = str(value).strip("/")
        if path and not re.fullmatch(r"[\w.~-]+(/[\w.~-]+)*", path, re.ASCII):
            self.fail("expected a path such as /csr, of letters, digits and - . _ ~", param, ctx)
        return f"/{path}" if path else ""


class ExternalPathType(PrefixType):
    """The path of an address, which may also stand alone."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - as click has it
        try:
            parts = urlsplit(str(value))
        except ValueError:
            self.fail("expected an address such as https://monitoring.example.com/csr", param, ctx)
        whole = parts.scheme in {"http", "https"} and parts.hostname
        alone = not parts.scheme and not parts.netloc and parts.path.startswith("/")
        if not (whole or alone) or parts.query or parts.fragment:
            self.fail("expected an address such as https://monitoring.example.com/csr", param, ctx)
        return super().convert(parts.path, param, ctx)


class ShardType(click.ParamType[Shard]):
    """A part of the accounts."""

    name = "k/n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Shard:  # noqa: ANN401 - as click has it
        if isinstance(value, Shard):
            return value
        try:
            return Shard.parse(str(value), socket.gethostname())
        except ShardError as error:
            self.fail(str(error), param, ctx)


web_config_file = flag(
    "--web.config.file",
    type=click.Path(path_type=Path),
    help="TLS, users and headers, in the format of Prometheus' exporter-toolkit.",
)

_OF_SERVING = (
    flag(
        "--web.listen-address",
        type=AddressType(),
        multiple=True,
        default=[":10065"],
        help="Where to listen; port 0 takes a free one. May be given several times.",
    ),
    web_config_file,
    flag("--web.probe-address", type=AddressType(), help="Where /-/healthy and /-/ready are open to everyone."),
    flag("--web.enable-lifecycle", is_flag=True, help="Let POST /-/reload read the configuration again."),
    flag(
        "--web.external-url",
        type=ExternalPathType(),
        help="Where a proxy makes this known; its path is the default of the route prefix.",
    ),
    flag("--web.route-prefix", type=PrefixType(), help="Path before all others. [default: that of the external URL]"),
)


def served(command: F) -> F:
    """Give *command* the flags of serving."""
    for each in reversed(_OF_SERVING):
        command = each(command)
    return command
