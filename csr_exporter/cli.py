"""The commands. Each flag has an environment variable: ``--log.level`` is ``CSR_EXPORTER_LOG_LEVEL``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import structlog

from csr_exporter import __version__, logs
from csr_exporter.commands.flags import AddressType, F, ShardType, flag, served
from csr_exporter.config import Config, ConfigError, config_from_environment, read_config
from csr_exporter.polling.sharding import Shard
from csr_exporter.web.config import ActiveConfig, WebConfigFile
from csr_exporter.web.server import Address, AddressError, Listener

T = TypeVar("T")


def _logged(command: F) -> F:
    """Give *command* the flags of logging, and log as they say."""
    level = flag(
        "--log.level",
        type=click.Choice(logs.LEVELS),
        default="info",
        expose_value=False,
        callback=lambda context, _, value: context.meta.setdefault("log_level", value),
        help="Least severe events to log.",
    )
    form = flag(
        "--log.format",
        type=click.Choice(logs.FORMATS),
        expose_value=False,
        callback=lambda context, _, value: logs.configure(context.meta.get("log_level", "info"), value),
        help="Form of the log on standard error. [default: console on a terminal, else logfmt]",
    )
    return level(form(command))


_config_file = flag(
    "--config.file",
    type=click.Path(path_type=Path),
    help="Configuration in YAML. Without it one account is read from the environment.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="csr-exporter")
def main() -> None:
    """Prometheus exporter for the certificate signing requests in Huawei Cloud SSL Certificate Manager."""


@main.command()
@_config_file
@flag(
    "--shard",
    type=ShardType(),
    default="0/1",
    help="Poll only shard K, from 0, of N; auto/N takes K from the end of the host name, as in a StatefulSet.",
)
@served
@_logged
def run(config_file: Path | None, shard: Shard, web_config_file: Path | None, **flags: Any) -> None:  # noqa: ANN401 - of several types
    """Poll all accounts and serve /metrics until told to stop."""
    from csr_exporter.commands import run  # noqa: PLC0415 - the other commands need no server
    from csr_exporter.web import listeners  # noqa: PLC0415 - the other commands need no server

    _, web_config = _configurations(config_file, web_config_file)
    try:
        run.run(
            lambda: _read_and_warn(config_file), listeners.WebOptions.from_flags(web_config, **flags), _announce, shard
        )
    except AddressError as error:
        logs.flush()  # what was logged comes before what click prints
        raise click.ClickException(str(error)) from None


def _announce(listeners: Sequence[Listener]) -> None:
    pages, *probes = listeners
    for url in pages.urls:
        click.echo(f"listening on {url}")
    for url in (each for listener in probes for each in listener.urls):
        click.echo(f"probes on {url}")


@main.command()
@_config_file
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file, at once or not at all.")
@_logged
def once(config_file: Path | None, output: Path | None) -> None:
    """Poll all accounts once and print the exposition, for the textfile collector of the node exporter.

    Exits with 1 when an account failed.
    """
    from csr_exporter.commands import once  # noqa: PLC0415 - as in run

    text, succeeded = once.exposition(_configuration(config_file))
    if output is None:
        click.echo(text, nl=False)
    else:
        once.replace_file(output, text)
    sys.exit(0 if succeeded else 1)


@main.command()
@_config_file
@served
@click.option(
    "--live", is_flag=True, help="Also ask the service of each account, and say what works and what does not."
)
@_logged
def check(config_file: Path | None, web_config_file: Path | None, live: bool, **flags: Any) -> None:  # noqa: ANN401, FBT001 - as click gives them
    """Validate the configuration and say all that is wrong with it. Exits with 2 when something is.

    With --live also with 1 when an account cannot be polled.
    """
    config, web_config = _configurations(config_file, web_config_file)
    for warning in config.warnings():
        click.echo(f"warning: {warning}", err=True)
    count = len(config.accounts)
    click.echo(f"{config_file or 'environment'}: valid, {count} account{'s' if count > 1 else ''}")
    if web_config_file:
        click.echo(f"{web_config_file}: valid")
    if live:
        sys.exit(0 if _examine(config, web_config, flags) else 1)


def _examine(config: Config, web_config: WebConfigFile | None, flags: dict[str, Any]) -> bool:
    """Say what works of each account and what to paste elsewhere; whether all can be polled."""
    from csr_exporter.commands import check  # noqa: PLC0415 - as in run
    from csr_exporter.web import listeners  # noqa: PLC0415 - as in run

    reports = []
    for report in check.examine(config):
        reports.append(report)
        _say("", *check.written(report))
    _say("", check.verdict(reports))
    web = listeners.WebOptions.from_flags(web_config, **flags)
    active = web_config.active() if web_config else ActiveConfig()
    address = web.addresses[0]
    served_at = check.Served(address.host, address.port, web.prefix, bool(active.tls), bool(active.users))
    names = [account.name for account in config.accounts]
    _say("", "For prometheus.yml:", "", *check.scrape_config(served_at, names))
    _say("", "For IAM, a policy that grants this one action: others of SCM give away private keys.", "")
    _say(*check.policy())
    return not any(report.failed for report in reports)


def _say(*lines: str) -> None:
    """Print *lines*, in colour where that is wanted (no-color.org), and in the letters that standard output has."""
    encoding = sys.stdout.encoding or "utf-8"
    for line in lines:
        text = line.encode(encoding, "backslashreplace").decode(encoding)
        click.echo(text, color=False if os.environ.get("NO_COLOR") else None)


@main.command()
@served
def healthy(web_config_file: Path | None, **flags: Any) -> None:  # noqa: ANN401 - of several types
    """Ask the exporter that runs with the same flags whether it lives, for HEALTHCHECK. Exits with 1 if it does not."""
    from csr_exporter.web import listeners, probe  # noqa: PLC0415 - as in run

    web_config = _unless_mistaken(lambda: WebConfigFile(web_config_file)) if web_config_file else None
    if web_config_file and web_config is None:
        sys.exit(2)
    try:
        click.echo(probe.health(listeners.WebOptions.from_flags(web_config, **flags)))
    except probe.UnhealthyError as error:
        raise click.ClickException(str(error)) from None


@main.command(name="list")
@_config_file
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option("--sort", type=click.Choice(["age", "name", "algorithm"]), default="age", show_default=True)
@click.option("--account", "names", multiple=True, help="Only this account; may be given several times.")
@_logged
def list_(config_file: Path | None, form: str, sort: str, names: tuple[str, ...]) -> None:
    """Print the CSRs of all accounts, by age the oldest first. Exits with 1 when an account failed."""
    from csr_exporter.commands import once  # noqa: PLC0415 - as in run

    config = _configuration(config_file)
    known = [account.name for account in config.accounts]
    if unknown := [name for name in names if name not in known]:
        raise click.BadParameter(f"{unknown[0]!r} is not configured; known: {', '.join(known)}", param_hint="--account")
    sys.exit(0 if once.print_list(config, names or tuple(known), form, sort) else 1)


@main.command()
@flag("--web.listen-address", type=AddressType(), default="127.0.0.1:10065", help="Where the exporter listens.")
@_logged
def demo(web_listen_address: Address) -> None:
    """Run simulator and exporter in one process: several accounts that change while you watch, no cloud needed."""
    from csr_exporter.commands import demo as demonstration  # noqa: PLC0415 - as in run

    try:
        demonstration.run(web_listen_address, _announce)
    except AddressError as error:
        logs.flush()  # what was logged comes before what click prints
        raise click.ClickException(str(error)) from None


@main.command()
@flag("--web.listen-address", type=AddressType(), default="127.0.0.1:10066", help="Where the simulator listens.")
@click.option("--accounts", type=click.IntRange(1, 10_000), default=1, show_default=True, help="Number of accounts.")
@click.option("--csrs", type=click.IntRange(0, 10_000), default=60, show_default=True, help="CSRs per account.")
@click.option("--seed", type=int, default=1, show_default=True, help="What the data are made from.")
@click.option(
    "--offset-mode",
    type=click.Choice(["record", "page", "page1", "ignored"]),
    default="record",
    show_default=True,
    help="What offset counts.",
)
@click.option(
    "--name-match",
    type=click.Choice(["substring", "prefix", "exact"]),
    default="substring",
    show_default=True,
    help="How the filter by name selects.",
)
@click.option("--churn", type=click.FloatRange(0), default=0.0, show_default=True, help="Changes per minute.")
@click.option("--latency", type=click.FloatRange(0, 60), default=0.0, show_default=True, help="Seconds per reply.")
def simulate(web_listen_address: Address, **options: Any) -> None:  # noqa: ANN401 - handed on
    """Run the simulator alone, and print a configuration that fits it."""
    from csr_exporter.commands import demo as demonstration  # noqa: PLC0415 - as in run

    try:
        demonstration.simulate(web_listen_address.host or "0.0.0.0", web_listen_address.port, **options)  # noqa: S104 - an empty host asks for all addresses
    except OSError as error:
        raise click.ClickException(f"cannot listen: {error.strerror or error}") from None


@main.command()
def schema() -> None:
    """Print the JSON Schema of the configuration file."""
    click.echo(json.dumps(Config.model_json_schema(), indent=2))


def _read_and_warn(file: Path | None) -> Config:
    config = _read(file)
    for warning in config.warnings():
        structlog.get_logger().warning("configuration_weakens_security", detail=warning)
    return config


def _read(file: Path | None) -> Config:
    return read_config(file) if file else config_from_environment(os.environ)


def _configuration(file: Path | None) -> Config:
    return _configurations(file, None)[0]


def _configurations(file: Path | None, web_file: Path | None) -> tuple[Config, WebConfigFile | None]:
    """Both configurations, or the mistakes of both."""
    config = _unless_mistaken(lambda: _read(file))
    web_config = _unless_mistaken(lambda: WebConfigFile(web_file)) if web_file else None
    if config is None or (web_file and web_config is None):
        sys.exit(2)
    return config, web_config


def _unless_mistaken(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except ConfigError as error:
        click.echo(str(error), err=True)
        return None
