"""The types of single settings: durations, secrets, paths and addresses."""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
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
HIDDEN = "<secret>"
"""Stands for a secret wherever a configuration is shown."""

LARGEST_SECRET = 64 * 1024
"""Bytes."""

LARGEST_PORT = 65_535

_UNITS = (31_536_000.0, 604_800.0, 86_400.0, 3_600.0, 60.0, 1.0, 0.001)


class SecretUnavailableError(Exception):
    """A secret's file or variable cannot be read; the message says which and why, without the secret."""


def seconds(text: object) -> float:
    """Seconds in a duration as Prometheus writes it, such as ``1h30m``. Raises `ValueError`."""
    match = re.match(DURATION, text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("expected a duration such as 30s, 5m, 1h30m or 90d")
    return sum(
        int(part[: -2 if part.endswith("ms") else -1]) * unit
        for part, unit in zip(match.groups(), _UNITS, strict=True)
        if part
    )


def at_least(shortest: str) -> AfterValidator:
    """Refuse durations below *shortest*, which is written as in the configuration."""

    def check(value: float) -> float:
        if value < seconds(shortest):
            raise ValueError(f"expected at least {shortest}")
        return value

    return AfterValidator(check)


def written(duration: float) -> str:
    """*duration* in seconds as it would be written, the largest unit being days: ``398d``, ``1h30m``."""
    left, parts = round(duration * 1000), []
    for name, milliseconds in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, milliseconds)
        parts += [f"{count}{name}"] if count else []
    return "".join(parts) or "0s"


Duration = Annotated[
    float,
    BeforeValidator(seconds),
    PlainSerializer(written, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": DURATION}),
]


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret comes from; its value is read when needed and never shown."""

    inline: SecretStr | None = None
    file: Path | None = None
    env: str | None = None

    def read(self) -> str:
        """The secret, without the white space around it. Raises `SecretUnavailableError`."""
        if self.inline is not None:
            return self.inline.get_secret_value()
        value = read_secret_file(self.file) if self.file else os.environ.get(self.env or "", "").strip()
        if not value:
            raise SecretUnavailableError(f"{self.file or self.env} is empty")
        return value


def read_secret_file(file: Path) -> str:
    """The text in *file*, without the white space around it. Raises `SecretUnavailableError`."""
    try:
        # To open a FIFO would else wait for someone who writes to it.
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
    name = info.field_name
    if not isinstance(given, Mapping) or len(given) != 1:
        raise ValueError(f"expected one of {name}, {name}_file, {name}_env")
    ((how, text),) = given.items()
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"expected text in {name}{'' if how == 'inline' else '_' + how}")
    match how:
        case "file":
            return Secret(file=_path(text, info))
        case "env":
            return Secret(env=text)
        case _:
            return Secret(inline=SecretStr(text))


def _path(text: object, info: ValidationInfo) -> Path:
    """A path relative to the file it is written in. Raises `ValueError`."""
    if not isinstance(text, str | Path) or not str(text):
        raise ValueError("expected a path")
    return Path((info.context or {}).get("directory", "")) / Path(text).expanduser()


def _shown(secret: Secret | None) -> dict[str, str] | None:
    """How a secret is given, for a configuration that is shown, and what of it may be seen."""
    if secret is None:
        return None
    if secret.inline is not None:
        return {"inline": HIDDEN}
    return {"file": str(secret.file)} if secret.file else {"env": str(secret.env)}


RequiredSecret = Annotated[Secret, PlainValidator(_secret, json_schema_input_type=str), PlainSerializer(_shown)]
OptionalSecret = Annotated[Secret | None, PlainValidator(_secret, json_schema_input_type=str), PlainSerializer(_shown)]
FilePath = Annotated[Path, PlainValidator(_path, json_schema_input_type=str)]


def web_address(text: str) -> str:
    """*text* as an address with neither path nor user. Raises `ValueError`."""
    expected = ValueError("expected an address such as https://scm.ap-southeast-1.myhuaweicloud.com")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise expected from None
    extras = parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/")
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or extras or re.search(r"\s", text):
        raise expected
    return f"{parts.scheme}://{parts.netloc}"


def metadata_address(text: str) -> str:
    """*text* as the address of a metadata service: of this machine or of its link. Raises `ValueError`."""
    parts = urlsplit(text)
    if parts.scheme != "http" or not (is_local(parts.hostname or "")) or parts.query or "@" in parts.netloc:
        raise ValueError("expected an address of this machine or its link, such as http://169.254.169.254")
    return text.rstrip("/")


def is_local(host: str) -> bool:
    """Whether *host* is an address of this machine or of its link."""
    try:
        return ipaddress.ip_address(host).is_link_local or _is_loopback(host)
    except ValueError:
        return _is_loopback(host)


def encrypted_or_allowed(address: str, info: ValidationInfo) -> str:
    """*address*, unless it is plain HTTP beyond loopback that nobody allowed. Raises `ValueError`."""
    return encrypted(address, plain_http=bool(info.data.get("insecure_plain_http")))


def encrypted(address: str, *, plain_http: bool) -> str:
    """*address*, unless it is plain HTTP beyond loopback and *plain_http* does not allow that. Raises `ValueError`."""
    plain = address.startswith("http://") and not _is_loopback(urlsplit(address).hostname or "")
    if plain and not plain_http:
        raise ValueError("expected https://, or insecure_plain_http: true, for http:// shows the credentials to anyone")
    return address


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_PROXY = re.compile(
    r"(?P<scheme>https?|socks[45][ah]?)://"
    r"(?P<user>(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})+@)?"
    r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::0*(?P<port>[1-9][0-9]{0,4}))?/?"
)

NO_PROXY_ADDRESS = (
    "expected the address of a proxy, such as http://proxy.example:3128; "
    "in a user or password percent-encode all but letters, digits and -._~"
)
"""Says of what is none nothing more: wherever it goes wrong, the password may stand there."""


def is_proxy_address(text: str) -> bool:
    """Whether *text* can only be read one way: as the address of a proxy."""
    found = _PROXY.fullmatch(text)
    return found is not None and int(found["port"] or 1) <= LARGEST_PORT


def proxy_address(text: SecretStr) -> SecretStr:
    """*text*, which may hold a password and so stays secret. Raises `ValueError`."""
    address = text.get_secret_value()
    if not is_proxy_address(address) or not address.startswith("http"):
        raise ValueError(NO_PROXY_ADDRESS)
    return text


def shown_proxy(text: SecretStr | None) -> str | None:
    """The address of a proxy without user and password."""
    found = _PROXY.fullmatch(text.get_secret_value()) if text else None
    if found is None:
        return None
    port = f":{found['port']}" if found["port"] else ""
    return f"{found['scheme']}://{f'{HIDDEN}@' if found['user'] else ''}{found['host']}{port}"


ProxyAddress = Annotated[SecretStr, AfterValidator(proxy_address)]
