"""The daemon: a reload puts all of a configuration in force, or nothing of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import structlog

from csr_exporter.cloud.auth import Leases
from csr_exporter.commands.run import Daemon
from csr_exporter.config import AccountConfig, Config, ConfigError
from csr_exporter.polling.accounts import poller_for
from csr_exporter.polling.poller import Poller
from tests.fakes import a_config


class File:
    """A configuration file that may hold one, or what makes reading it fail."""

    def __init__(self, content: Config) -> None:
        self.content: Config | Exception = content

    def read(self) -> Config:
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


def a_configuration(name: str = "production", **settings: object) -> Config:
    return a_config("http://127.0.0.1:1", name, {"kind": "token", "token": "secret"}, **settings)


def names(daemon: Daemon) -> list[str]:
    return [status.account.name for status in daemon.statuses]


@pytest.mark.parametrize(
    "error",
    [ConfigError(["x: mistaken"]), OverflowError("too large"), RecursionError(), KeyError("~nosuchuser")],
    ids=repr,
)
def test_a_reload_that_fails_for_whatever_reason_changes_nothing(error: Exception) -> None:
    file = File(a_configuration())
    daemon = Daemon(file.read)
    before = daemon.statuses[0], daemon.configuration, daemon.reloads.config_hash
    file.content = error

    with structlog.testing.capture_logs(), pytest.raises(type(error)):
        daemon.reload()

    assert (daemon.statuses[0], daemon.configuration, daemon.reloads.config_hash) == before
    assert not daemon.reloads.successful


def test_an_account_that_cannot_be_made_changes_nothing() -> None:
    file = File(a_configuration())

    def make(config: Config, account: AccountConfig, leases: Leases, sleep: Callable[[float], None]) -> Poller:
        if account.name == "impossible":
            raise OverflowError
        return poller_for(config, account, leases, sleep)

    daemon = Daemon(file.read, make_poller=make)
    file.content = a_configuration("impossible")

    with structlog.testing.capture_logs(), pytest.raises(OverflowError):
        daemon.reload()

    assert names(daemon) == ["production"]
    assert not daemon.reloads.successful


def test_a_signal_gets_no_error_but_the_log_does() -> None:
    file = File(a_configuration())
    daemon = Daemon(file.read)
    file.content = OverflowError("too large")

    with structlog.testing.capture_logs() as events:
        daemon.try_reload()

    assert [event["event"] for event in events] == ["reload_crashed"]


def test_a_reload_after_a_failed_one_is_in_force() -> None:
    file = File(a_configuration())
    daemon = Daemon(file.read)
    file.content = RecursionError()
    with structlog.testing.capture_logs():
        daemon.try_reload()
    file.content = a_configuration("staging")

    with daemon.polling():
        daemon.reload()

    assert names(daemon) == ["staging"]
    assert daemon.reloads.successful
