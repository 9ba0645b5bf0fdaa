"""The active web configuration, which follows its files while the server runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from csr_exporter.config import ConfigError, load_yaml, validated
from csr_exporter.web.config.tls import ServerTls
from csr_exporter.web.config.users import Users

if TYPE_CHECKING:
    from csr_exporter.web.config.model import WebConfig

log = structlog.get_logger()

CHECK_SECONDS = 1.0
"""Least time between two checks of the files. A check costs one `stat` for each, of at most four."""


@dataclass(frozen=True, slots=True)
class ActiveConfig:
    """How to serve right now; by default unencrypted and to everyone."""

    users: Users = field(default_factory=lambda: Users({}))
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: ServerTls | None = None

    def opened_since(self, before: ActiveConfig) -> str | None:
        """The setting, if any, that no longer keeps strangers out; also what a file that is half written looks like."""
        if before.users and not self.users:
            return "basic_auth_users"
        if before.tls and self.tls and before.tls.strictness > self.tls.strictness:
            return "tls_server_config"
        return None


def read_web_config(file: Path) -> WebConfig:
    """Read the YAML *file*. Raises `ConfigError` with all its mistakes."""
    from csr_exporter.web.config.model import WebConfig  # noqa: PLC0415 - pydantic takes long, and few have such a file

    data = load_yaml(file)
    return validated(WebConfig, {} if data is None else data, str(file), file.parent)


class WebConfigFile:
    """Holds the last valid content of *file* and of the files that it names.

    They are checked when a request or connection comes, so this needs no thread; all calls must come from one thread.
    Reading them takes a few milliseconds, once for each change.
    """

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Read *file*; raises `ConfigError` with all mistakes."""
        self._file = file
        self._clock = clock
        self._checked_at = clock()
        self._rejected: str | None = None
        self._confirmed = False
        self._seen: dict[str, bytes] = {}
        self._active, self._stamps = self._read()

    def active(self) -> ActiveConfig:
        """The configuration to apply now. A change that is invalid is logged once, and the old one stays."""
        now = self._clock()
        if self._confirmed or now - self._checked_at >= CHECK_SECONDS:
            self._checked_at = now
            self._check()
            self._confirmed = False
        return self._active

    def confirm(self) -> None:
        """Let the next check accept a file that opens access to strangers. May be called from any thread."""
        self._confirmed = True

    def _check(self) -> None:
        stamps = {file: _stamp(file) for file in self._stamps}
        # A file that only the rejected configuration names may be mended, so that one is read again each time.
        if stamps == self._stamps and self._rejected is None:
            return
        try:
            active, files = self._read()
            self._require_same_encryption(active)
            self._require_restricted_access(active)
        except ConfigError as error:
            self._reject(error, stamps)
        else:
            self._active, self._stamps, self._rejected = active, files, None
            log.info("web_config_loaded", file=str(self._file))

    def _reject(self, error: ConfigError, stamps: Mapping[Path, object]) -> None:
        if (stamps, str(error)) != (self._stamps, self._rejected):
            log.error("web_config_rejected", file=str(self._file), detail="; ".join(error.mistakes))
        self._stamps, self._rejected = stamps, str(error)

    def _require_same_encryption(self, active: ActiveConfig) -> None:
        if (active.tls is None) != (self._active.tls is None):
            expected = "expected encryption to stay as it is, on or off, while the server runs"
            raise ConfigError([f"{self._file}: tls_server_config: {expected}"])

    def _require_restricted_access(self, active: ActiveConfig) -> None:
        opened = active.opened_since(self._active)
        if opened and not self._confirmed:
            expected = (
                "expected access to stay restricted; send SIGHUP or POST /-/reload if strangers may read from now on"
            )
            raise ConfigError([f"{self._file}: {opened}: {expected}"])

    def _read(self) -> tuple[ActiveConfig, Mapping[Path, object]]:
        """The configuration and the stamps of its files, taken first: a change meanwhile is then seen next time."""
        stamps = {self._file: _stamp(self._file)}
        config = read_web_config(self._file)
        tls = config.tls_server_config
        stamps |= {file: _stamp(file) for file in (tls.files if tls else ())}
        active = ActiveConfig(
            users=Users({user: each.get_secret_value() for user, each in config.basic_auth_users.items()}, self._seen),
            headers=config.http_server_config.headers.model_dump(by_alias=True, exclude_none=True),
            tls=ServerTls.of(tls, str(self._file)) if tls else None,
        )
        return active, stamps


def _stamp(file: Path) -> object:
    """A value that differs once *file* is written or replaced, or a link on its path is switched."""
    try:
        state = file.stat()
    except OSError:
        return None
    return (state.st_mtime_ns, state.st_size, state.st_ino, state.st_dev)
