"""The web configuration in force, which follows its files while the server runs."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from csr_exporter.config import ConfigError, load_yaml, validated
from csr_exporter.web.config.model import WebConfig
from csr_exporter.web.config.rate import Bucket
from csr_exporter.web.config.tls import Rotating, context_for
from csr_exporter.web.config.users import Users

log = structlog.get_logger()

CHECK_SECONDS = 1.0
"""Least time between two looks at the files. A look costs one `stat` for each, of which there are four at most."""


@dataclass(frozen=True, slots=True)
class InForce:
    """How to serve right now: by default to everyone, unencrypted and without limit."""

    users: Users = field(default_factory=lambda: Users({}))
    headers: Mapping[str, str] = field(default_factory=dict)
    bucket: Bucket = field(default_factory=lambda: Bucket(0, 0))
    context: ssl.SSLContext | None = None

    @classmethod
    def of(cls, config: WebConfig, origin: str) -> InForce:
        """What *config*, read from *origin*, asks for. Raises `ConfigError`."""
        tls, rate = config.tls_server_config, config.rate_limit
        return cls(
            users=Users({user: each.get_secret_value() for user, each in config.basic_auth_users.items()}),
            headers=config.http_server_config.headers.model_dump(by_alias=True, exclude_none=True),
            bucket=Bucket(rate.interval, rate.burst),
            context=context_for(tls, origin) if tls else None,
        )


def read_web_config(file: Path) -> WebConfig:
    """Read the YAML *file*. Raises `ConfigError` with all its mistakes."""
    data = load_yaml(file)
    return validated(WebConfig, {} if data is None else data, str(file), file.parent)


class WebConfigFile:
    """What *file*, and the files that it names, said when they last were right.

    They are looked at when somebody asks, so this needs no thread; all must ask from the same one. To read them takes
    a few milliseconds, once for each change.
    """

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Read *file*; raises `ConfigError` with all mistakes."""
        self._file = file
        self._clock = clock
        self._looked_at = clock()
        self._rejected: str | None = None
        self._in_force, self._marks = self._read()

    def in_force(self) -> InForce:
        """The configuration to apply now. A change that cannot be used is logged once, and the old one stays."""
        now = self._clock()
        if now - self._looked_at >= CHECK_SECONDS:
            self._looked_at = now
            self._look()
        return self._in_force

    def context(self) -> ssl.SSLContext | None:
        """What encrypts each new connection as the files say then; nothing where they want no encryption."""
        started_with = self._in_force.context
        return started_with and Rotating.of(lambda: self.in_force().context or started_with)

    def _look(self) -> None:
        marks = {file: _mark(file) for file in self._marks}
        # What was rejected may have become right by a file that it alone names, so it is tried anew each time.
        if marks == self._marks and self._rejected is None:
            return
        try:
            in_force, self._marks = self._read_as_before()
        except ConfigError as error:
            self._reject(error, marks)
        else:
            self._in_force, self._rejected = in_force, None
            log.info("web_config_loaded", file=str(self._file))

    def _reject(self, error: ConfigError, marks: Mapping[Path, object]) -> None:
        if (marks, str(error)) != (self._marks, self._rejected):
            log.error("web_config_rejected", file=str(self._file), detail="; ".join(error.mistakes))
        self._marks, self._rejected = marks, str(error)

    def _read_as_before(self) -> tuple[InForce, Mapping[Path, object]]:
        read = self._read()
        if (read[0].context is None) != (self._in_force.context is None):
            expected = "expected encryption to stay as it is, on or off, while the server runs"
            raise ConfigError([f"{self._file}: tls_server_config: {expected}"])
        return read

    def _read(self) -> tuple[InForce, Mapping[Path, object]]:
        """The configuration and its files, each marked before it is read, lest a change in between go unseen."""
        marks = {self._file: _mark(self._file)}
        config = read_web_config(self._file)
        marks |= {file: _mark(file) for file in _files(config)}
        return InForce.of(config, str(self._file)), marks


def _files(config: WebConfig) -> Sequence[Path]:
    tls = config.tls_server_config
    named = (tls.cert_file, tls.key_file, tls.client_ca_file) if tls else ()
    return [file for file in named if file]


def _mark(file: Path) -> object:
    """Something that differs once *file* is written or replaced, or a link on the way to it is turned."""
    try:
        state = file.stat()
    except OSError:
        return None
    return (state.st_mtime_ns, state.st_size, state.st_ino, state.st_dev)
