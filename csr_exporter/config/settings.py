"""The types of single settings: durations, secrets, paths and addresses."""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
)

DURATION = r"^(?=\d)(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$"
LAST_PORT = 65_535
HIDDEN = "<secret>"
"""Stands for a secret wherever a configuration is shown."""

_MILLISECONDS = {
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}

LARGEST_SECRET = 64 * 1024
"""Bytes."""


def seconds(text: object) -> float:
    """Seconds in a duration as Prometheus writes it, such as ``1h30m``. Raises `ValueError`."""
    if not isinstance(text, str) or not re.match(DURATION, text):
        raise ValueError("expected a duration such as 30s, 5m, 1h30m or 90d")
    # As a float, a number of any length is infinite at worst.
    return sum(float(count) * _MILLISECONDS[unit] for count, unit in re.findall(r"(\d+)([a-z]+)", text)) / 1000


def duration(seconds: float) -> str:
    """*seconds* as a duration whose largest unit is the day: ``398d``, ``1h30m``."""
    left, parts = round(seconds * 1000), []
    for unit in ("d", "h", "m", "s", "ms"):
        count, left = divmod(left, _MILLISECONDS[unit])
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def between(shortest: str, longest: str) -> AfterValidator:
    """Refuse durations below *shortest* and above *longest*, themselves durations."""

    def check(value: float) -> float:
        if value < seconds(shortest):
            raise ValueError(f"expected at least {shortest}")
        if value > seconds(longest):
            raise ValueError(f"expected at most {longest}")
        return value

    return AfterValidator(check)


AnyDuration = Annotated[
    float,
    BeforeValidator(seconds),
    PlainSerializer(duration, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": DURATION}),
]
Duration = Annotated[AnyDuration, between("0s", "100y")]


class SecretUnavailableError(Exception):
    """A secret's file or variable cannot be read; the message says which and why, without the secret."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret, read when needed and never shown. *suffix* tells whether a file, a variable or itself is *given*."""

    suffix: str
    given: str = field(repr=False)

    @property
    def inline(self) -> bool:
        return not self.suffix

    def read(self) -> str:
        """The secret, without surrounding white space. Raises `SecretUnavailableError`."""
        if self.inline:
            return self.given
        value = read_secret_file(Path(self.given)) if self.suffix == "_file" else os.environ.get(self.given)
        if value is None:
            raise SecretUnavailableError(f"{self.given} is not set")
        if not value.strip():
            raise SecretUnavailableError(f"{self.given} is empty")
        return value.strip()


def read_secret_file(file: Path) -> str:
    """The text in *file*, without surrounding white space. Raises `SecretUnavailableError`."""
    try:
        # Opening a FIFO would otherwise wait for somebody to write to it.
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:  # noqa: PTH123 - flags
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise SecretUnavailableError(f"{file}: expected a regular file")
            content = opened.read(LARGEST_SECRET + 1)
        text = content.decode("utf-8-sig").strip()
    except OSError as error:
        raise SecretUnavailableError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretUnavailableError(f"{file}: expected UTF-8 text") from None
    if len(content) > LARGEST_SECRET:
        raise SecretUnavailableError(f"{file}: expected at most {LARGEST_SECRET} bytes")
    return text


def _secret(given: object, info: ValidationInfo) -> Secret:
    """The secret *given* by the suffix of its setting: ``{"_file": "/run/secrets/token"}``."""
    name = info.field_name
    if not isinstance(given, Mapping) or len(given) != 1:
        raise ValueError(f"expected one of {name}, {name}_file, {name}_env")
    ((suffix, text),) = given.items()
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"expected text in {name}{suffix}")
    return Secret(suffix, str(_path(text, info)) if suffix == "_file" else text)


def _shown(secret: Secret | None) -> dict[str, str] | None:
    """The reverse of `_secret`, without the secret itself."""
    return {secret.suffix: HIDDEN if secret.inline else secret.given} if secret else None


def _path(text: object, info: ValidationInfo) -> Path:
    """A path, relative to the file it is written in. Raises `ValueError`."""
    if not isinstance(text, str | Path) or not str(text) or "\0" in str(text):
        raise ValueError("expected a path")
    try:
        return Path((info.context or {}).get("directory", "")) / Path(text).expanduser()
    except RuntimeError:
        raise ValueError("expected a path; ~ stands for no home directory here") from None


RequiredSecret = Annotated[Secret, PlainValidator(_secret, json_schema_input_type=str), PlainSerializer(_shown)]
OptionalSecret = Annotated[Secret | None, PlainValidator(_secret, json_schema_input_type=str), PlainSerializer(_shown)]
FilePath = Annotated[Path, PlainValidator(_path, json_schema_input_type=str)]


def web_address(text: str) -> str:
    """*text* as a URL with neither path nor user. Raises `ValueError`."""
    with suppress(ValueError):
        parts = urlsplit(text)
        extras = parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/")
        unfit = extras or parts.port == 0 or re.search(r"\s", text)
        if parts.scheme in {"http", "https"} and parts.hostname and not unfit:
            return f"{parts.scheme}://{parts.netloc}"
    raise ValueError("expected an address such as https://scm.ap-southeast-1.myhuaweicloud.com")


def metadata_address(text: str) -> str:
    """*text* as the address of a metadata service, on this machine or its link. Raises `ValueError`."""
    with suppress(ValueError):
        parts = urlsplit(text)
        extras = parts.query or "@" in parts.netloc
        if parts.scheme == "http" and is_local(parts.hostname or "", link=True) and not extras:
            return text.rstrip("/")
    raise ValueError("expected an address on this machine or its link, such as http://169.254.169.254")


def is_local(host: str, *, link: bool = False) -> bool:
    """Whether *host* is this machine, or on its *link*."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or (link and address.is_link_local)


def encrypted_or_allowed(address: str, info: ValidationInfo) -> str:
    """*address*, unless it is plain HTTP beyond loopback and that is not allowed. Raises `ValueError`."""
    return encrypted(address, plain_http=bool(info.data.get("insecure_plain_http")))


def encrypted(address: str, *, plain_http: bool) -> str:
    """*address*, unless it is plain HTTP beyond loopback and *plain_http* does not allow that. Raises `ValueError`."""
    plain = address.startswith("http://") and not is_local(urlsplit(address).hostname or "")
    if plain and not plain_http:
        raise ValueError("expected https://, or insecure_plain_http: true: http:// shows the credentials to anyone")
    return address


_PROXY = re.compile(
    r"(?i:https?)://(?P<user>(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})+@)?"
    r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?/?"
)


def proxy_address(text: str) -> str:
    """*text*, if it can be the URL of a proxy. Raises `ValueError`, which quotes none of it."""
    match = _PROXY.fullmatch(text)
    if match is None or not 0 < int(match["port"] or 80) <= LAST_PORT:
        raise ValueError(
            "expected a proxy such as http://user:password@proxy.example:3128, "
            "with special characters of user and password percent-encoded"
        )
    return text


def _secret_proxy_address(text: SecretStr) -> SecretStr:
    proxy_address(text.get_secret_value())
    return text


def _shown_proxy(text: SecretStr | None) -> str | None:
    """The address of a proxy without user and password."""
    return re.sub("//.*@", f"//{HIDDEN}@", text.get_secret_value()).rstrip("/") if text else None


ProxyAddress = Annotated[
    SecretStr, AfterValidator(_secret_proxy_address), PlainSerializer(_shown_proxy, return_type=str, when_used="json")
]
