"""The commands. Each imports what it needs when it runs: ``healthy`` would take twice as long with all imports."""

# ruff: noqa: PLC0415

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import Any, TextIO

import click

from csr_exporter import __version__, logs
from csr_exporter.commands.flags import (
    ADDRESS,
    DURATION,
    SHARD,
    F,
    config_file,
    flag,
    serving,
    storage_path,
    together,
)
from csr_exporter.commands.terminal import broken_at_words
from csr_exporter.config import Config, ConfigError, config_from_environment, read_config
from csr_exporter.policy import Rule
from csr_exporter.polling.sharding import Shard
from csr_exporter.web.config import ActiveConfig, WebConfigFile
from csr_exporter.web.server import Address, AddressError, Listener


def _logging(level: str = "info") -> Callable[[F], F]:
    """The flags of logging, which take effect before the command runs."""
    return together(
        flag(
            "--log.level",
            type=click.Choice(logs.LEVELS),
            default=level,
            expose_value=False,
            callback=lambda context, _, value: context.meta.setdefault("log_level", value),
            help="Log events of this severity and above.",
        ),
        flag(
            "--log.format",
            type=click.Choice(logs.FORMATS),
            expose_value=False,
            callback=lambda context, _, value: logs.configure(context.meta.get("log_level", level), value),
            help="Log format on standard error. [default: console on a terminal, else logfmt]",
        ),
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="csr-exporter")
def main() -> None:
    """Prometheus exporter for the certificate signing requests in Huawei Cloud SSL Certificate Manager."""


@main.command()
@config_file
@flag(
    "--shard",
    type=SHARD,
    default="0/1",
    help="Poll only shard K (from 0) of N; auto/N takes K from the end of the host name, as in a StatefulSet.",
)
@storage_path
@flag("--storage.retention", type=DURATION, default="400d", help="How long the journal keeps changes.")
@serving
@_logging()
def run(
    config_file: Path | None,
    shard: Shard,
    storage_path: Path | None,
    storage_retention: float,
    web_config_file: Path | None,
    **flags: Any,  # noqa: ANN401 - of several types
) -> None:
    """Poll all accounts and serve /metrics until stopped."""
    # Until the server handles them: one that comes earlier would end the process, and not with 0.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})

    from csr_exporter.commands import run
    from csr_exporter.journal import Journal, JournalInUseError
    from csr_exporter.web import listeners

    run.share_heap()
    _, web_config = _configurations(config_file, web_config_file)
    options, journal = listeners.WebOptions.from_flags(web_config, **flags), Journal(storage_path, storage_retention)
    try:
        run.run(lambda: _read_and_warn(config_file), options, _announce, shard, journal)
    except (AddressError, JournalInUseError) as error:
        logs.flush()  # what was logged comes before what click prints
        raise click.ClickException(str(error)) from None


def _announce(listeners: Sequence[Listener]) -> None:
    pages, *probes = listeners
    for url in pages.urls:
        click.echo(f"listening on {url}")
    for url in (each for listener in probes for each in listener.urls):
        click.echo(f"probes on {url}")


def _regular(context: click.Context, param: click.Parameter, file: Path | None) -> Path | None:
    """*file*, unless it is a folder, FIFO or device: an atomic write would replace it."""
    with suppress(OSError):  # it is not there yet, or writing will fail
        if file and not S_ISREG(file.stat().st_mode):
            raise click.BadParameter(f"{file} is not a regular file", context, param)
    return file


@main.command()
@config_file
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    callback=_regular,
    help="File to replace atomically. After a refusal, OUTPUT.pauses keeps later runs from asking again too soon.",
)
@_logging()
def once(config_file: Path | None, output: Path | None) -> None:
    """Poll all accounts once and print the metrics, for the node exporter's textfile collector.

    Exits with 1 if an account failed.
    """
    from csr_exporter.commands import once

    config, _ = _configurations(config_file)
    if output is None:
        text, succeeded = once.exposition(config)
        click.echo(text, nl=False)
    else:
        try:
            succeeded = once.write_exposition(config, output)
        except OSError as error:
            raise click.ClickException(f"{output}: cannot write: {error.strerror}") from None
    sys.exit(0 if succeeded else 1)


@main.command()
@config_file
@serving
@click.option("--live", is_flag=True, help="Also contact each account's service and report what works.")
@_logging()
def check(config_file: Path | None, web_config_file: Path | None, live: bool, **flags: Any) -> None:  # noqa: ANN401, FBT001 - as click passes them
    """Validate the configuration and report all mistakes. Exits with 2 if there are any.

    With --live, exits with 1 if an account cannot be polled.
    """
    config, web_config = _configurations(config_file, web_config_file)
    for warning in config.warnings():
        click.echo(broken_at_words(f"warning: {warning}", sys.stderr), err=True)
    count = len(config.accounts)
    click.echo(f"{config_file or 'environment'}: valid, {count} account{'s' if count > 1 else ''}")
    if web_config_file:
        click.echo(f"{web_config_file}: valid")
    if live:
        sys.exit(0 if _check_live(config, web_config, flags) else 1)


def _check_live(config: Config, web_config: WebConfigFile | None, flags: dict[str, Any]) -> bool:
    """Report what works for each account and what to paste elsewhere; whether all can be polled."""
    from csr_exporter.commands.check.diagnosis import diagnose
    from csr_exporter.commands.check.report import summary
    from csr_exporter.commands.check.snippets import ScrapeTarget, iam_policy, scrape_config
    from csr_exporter.web import listeners

    reports = []
    for report in diagnose(config):
        reports.append(report)
        _say("", *report.lines())
    web = listeners.WebOptions.from_flags(web_config, **flags)
    active, address = web_config.active() if web_config else ActiveConfig(), web.addresses[0]
    target = ScrapeTarget(address.host, address.port, web.prefix, bool(active.tls), bool(active.users))
    names = [account.name for account in config.accounts]
    _say("", summary(reports))
    _say("", "For prometheus.yml:", "", *scrape_config(target, names))
    policy = "For IAM, a policy with the one action needed; other SCM actions give away private keys:"
    _say("", broken_at_words(policy), "")
    _say(iam_policy())
    return not any(report.failed for report in reports)


def _say(*lines: str) -> None:
    """Print *lines*, coloured where wanted (no-color.org), escaping what standard output cannot encode."""
    encoding = sys.stdout.encoding or "utf-8"
    for line in lines:
        text = line.encode(encoding, "backslashreplace").decode(encoding)
        click.echo(text, color=False if os.environ.get("NO_COLOR") else None)


@main.command()
@serving
def healthy(web_config_file: Path | None, **flags: Any) -> None:  # noqa: ANN401 - of several types
    """Ask the exporter started with the same flags whether it is healthy, for HEALTHCHECK. Exits with 1 if not."""
    from csr_exporter.web import listeners, probe

    (web_config,) = _read_all(lambda: web_config_file and WebConfigFile(web_config_file))
    try:
        click.echo(probe.health(listeners.WebOptions.from_flags(web_config, **flags)))
    except probe.UnhealthyError as error:
        raise click.ClickException(str(error)) from None


@main.command(name="list")
@config_file
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option("--sort", type=click.Choice(["age", "name", "algorithm"]), default="age", show_default=True)
@click.option("--account", "names", multiple=True, help="Only this account. Repeatable.")
@click.option("--q", "text", default="", metavar="TEXT", help="Only with TEXT in name, domain or id.")
@click.option("--private-key-algo", "algorithm", default="", metavar="NAME", help="Only of this algorithm.")
@click.option("--older-than", "age", type=DURATION, help="Only older than this, such as 90d.")
@_logging("error")  # the failures follow the table in sentences
def list_(config_file: Path | None, form: str, sort: str, names: tuple[str, ...], **narrowing: Any) -> None:  # noqa: ANN401 - of several types
    """Print the CSRs of all accounts, oldest first. Exits with 1 if an account failed."""
    from csr_exporter.commands.list import print_csrs
    from csr_exporter.page import Selection

    config, _ = _configurations(config_file)
    chosen = _chosen([account.name for account in config.accounts], names)
    accounts = [account for account in config.accounts if account.name in chosen]
    with logs.held_back():
        succeeded = print_csrs(config, accounts, form, sort, Selection(**narrowing))
    sys.exit(0 if succeeded else 1)


@main.command()
@config_file
@click.option(
    "--from", "file", type=click.File(), help="Judge what `list --format=json` wrote here; - for standard input."
)
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option(
    "--rule",
    "rules",
    multiple=True,
    type=click.Choice([rule.value for rule in Rule]),
    help="Only this rule. Repeatable.",
)
@click.option("--owner", "owners", multiple=True, help="Only CSRs of this owner, or unowned. Repeatable.")
@click.option("--account", "names", multiple=True, help="Only this account. Repeatable.")
@_logging("error")  # the failures follow the table in sentences
def policy(
    config_file: Path | None,
    file: TextIO | None,
    form: str,
    rules: tuple[str, ...],
    owners: tuple[str, ...],
    names: tuple[str, ...],
) -> None:
    """Print the CSRs that break the configured policy, waived ones too.

    Exits with 1 if one is not waived or an account could not be listed whole, and with 2 without a policy.
    """
    from csr_exporter.commands import policy
    from csr_exporter.polling.accounts import policy_by

    config, _ = _configurations(config_file)
    demanded = policy_by(config)
    if not demanded.rules.in_force:
        raise click.UsageError("the configuration has no policy")
    if file:
        listing, whole = policy.saved(file), True
        listing = {name: listing[name] for name in _chosen(listing, names)}
    else:
        chosen = _chosen([account.name for account in config.accounts], names)
        with logs.held_back():
            listing, whole = policy.fresh(config, [account for account in config.accounts if account.name in chosen])
    waived = policy.print_findings(listing, demanded, policy.Wanted(tuple(map(Rule, rules)), owners), form)
    sys.exit(0 if waived and whole else 1)


def _chosen(known: Iterable[str], names: Sequence[str]) -> list[str]:
    """Those of the *known* accounts that *names* has, or all. Raises `click.BadParameter`."""
    known = list(known)
    if unknown := [name for name in names if name not in known]:
        message = f"{unknown[0]!r} is not one of the accounts: {', '.join(known)}"
        raise click.BadParameter(message, param_hint="--account")
    return [name for name in known if name in (names or known)]


@main.command()
@storage_path
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option("--since", type=DURATION, default="30d", show_default=True, help="How far to look back.")
@click.option("--account", "names", multiple=True, help="Only this account. Repeatable.")
@_logging()
def changes(storage_path: Path | None, form: str, since: float, names: tuple[str, ...]) -> None:
    """Print which CSRs came, went or were renamed, latest first, from the journal of a storage folder.

    A daemon may be writing to it.
    """
    from csr_exporter.commands.changes import print_changes
    from csr_exporter.inventory import ChangeQuery

    if storage_path is None:
        raise click.UsageError("name the folder that `run` was given: --storage.path")
    print_changes(storage_path, ChangeQuery(accounts=names, since=time.time() - since), form)


@main.command()
@flag("--web.listen-address", type=ADDRESS, default="127.0.0.1:10065", help="Address the exporter listens on.")
@_logging()
def demo(web_listen_address: Address) -> None:
    """Run a simulated cloud and the exporter in one process, with accounts that change while you watch."""
    from csr_exporter.commands import demo

    try:
        demo.run(web_listen_address, _announce)
    except AddressError as error:
        logs.flush()  # what was logged comes before what click prints
        raise click.ClickException(str(error)) from None


@main.command()
@flag("--web.listen-address", type=ADDRESS, default="127.0.0.1:10066", help="Address the simulator listens on.")
@click.option("--accounts", type=click.IntRange(1, 10_000), default=1, show_default=True, help="Number of accounts.")
@click.option("--csrs", type=click.IntRange(0, 10_000), default=60, show_default=True, help="CSRs per account.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed for the generated data.")
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
    help="How the name filter matches.",
)
@click.option("--churn", type=click.FloatRange(0), default=0.0, show_default=True, help="Changes per minute.")
@click.option("--latency", type=click.FloatRange(0, 60), default=0.0, show_default=True, help="Seconds per reply.")
def simulate(web_listen_address: Address, **options: Any) -> None:  # noqa: ANN401 - passed on
    """Run the simulator alone and print a configuration for it."""
    from csr_exporter.commands import demo

    try:
        demo.simulate(web_listen_address.host or "0.0.0.0", web_listen_address.port, **options)  # noqa: S104 - an empty host means all addresses
    except OSError as error:
        raise click.ClickException(f"cannot listen: {error.strerror or error}") from None


@main.command()
def schema() -> None:
    """Print the JSON Schema of the configuration file."""
    click.echo(json.dumps(Config.model_json_schema(), indent=2))


def _read_and_warn(file: Path | None) -> Config:
    import structlog

    config = _read(file)
    for warning in config.warnings():
        structlog.get_logger().warning("configuration_weakens_security", detail=warning)
    return config


def _read(file: Path | None) -> Config:
    return read_config(file) if file else config_from_environment(os.environ)


def _configurations(file: Path | None, web_file: Path | None = None) -> tuple[Config, WebConfigFile | None]:
    config, web_config = _read_all(lambda: _read(file), lambda: web_file and WebConfigFile(web_file))
    return config, web_config


def _read_all(*reads: Callable[[], Any]) -> list[Any]:  # as many types as configurations
    """What each of *reads* returns; exits with the mistakes of all."""
    found: list[Any] = []
    mistakes: list[str] = []
    for read in reads:
        try:
            found.append(read())
        except ConfigError as error:
            mistakes += error.mistakes
    if mistakes:
        click.echo("\n".join(mistakes), err=True)
        sys.exit(2)
    return found
