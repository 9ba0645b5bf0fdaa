"""The model of the web configuration, which has the format of Prometheus' exporter-toolkit.

Source: prometheus/exporter-toolkit, docs/web-configuration.md. What the format has and we do not is refused, with a
sentence that says what to do: a setting that is silently ignored is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, model_validator

from csr_exporter.config import FilePath, Section

T = TypeVar("T")

_BCRYPT = re.compile(r"\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")


class WebSection(Section):
    """A section in which a blank value counts as none, as in the format."""

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        return {key: value for key, value in data.items() if value is not None and value != ""}


def _one_of_two(value: T | None, info: ValidationInfo) -> T | None:
    """*value* of ``X_file``, if either that or ``X`` is given. Raises `ValueError`."""
    inline = str(info.field_name).removesuffix("_file")
    if inline in info.data and (value is None) == (info.data[inline] is None):
        raise ValueError(f"expected either {inline} or {inline}_file")
    return value


def _readable(file: Path) -> Path:
    try:
        with file.open("rb"):
            return file
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


PemFile = Annotated[FilePath, AfterValidator(_readable)]


def _known_authority(file: Path | None, info: ValidationInfo) -> Path | None:
    verifying, inline = info.data.get("client_auth_type"), info.data.get("client_ca")
    if file is not None and inline is not None:
        raise ValueError("expected either client_ca or client_ca_file")
    if (file or inline) and verifying == "NoClientCert":
        raise ValueError("expected a client_auth_type that verifies certificates, such as RequireAndVerifyClientCert")
    if not (file or inline) and verifying not in {None, "NoClientCert"}:
        raise ValueError("expected either client_ca or client_ca_file, or any public authority could let clients in")
    return file


def _of_required_certificates(names: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
    if names == ():
        raise ValueError("expected at least one name")
    if names is not None and info.data.get("client_auth_type") not in {None, "RequireAndVerifyClientCert"}:
        raise ValueError("expected client_auth_type to be RequireAndVerifyClientCert")
    return names


def _not_below_minimum(value: str, info: ValidationInfo) -> str:
    if value < info.data.get("min_version", value):
        raise ValueError("expected at least min_version")
    return value


def _unsupported(advice: str) -> BeforeValidator:
    """Refuses any value but an empty or false one, and says what to do."""

    def refuse(value: object) -> object:
        if value:
            raise ValueError(f"not supported: {advice}")
        return value

    return BeforeValidator(refuse)


Version = Literal["TLS12", "TLS13"]
"""Older ones are broken, and OpenSSL no longer offers them."""


class TlsServerConfig(WebSection):
    """How connections are encrypted, and which clients may connect."""

    cert: str | None = None
    key: SecretStr | None = None
    client_ca: str | None = None
    cert_file: Annotated[PemFile | None, AfterValidator(_one_of_two)] = Field(None, validate_default=True)
    key_file: Annotated[PemFile | None, AfterValidator(_one_of_two)] = Field(None, validate_default=True)
    # The other types ask for a certificate without verifying it, which proves nothing and which Python cannot do.
    client_auth_type: Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"] = "NoClientCert"
    client_ca_file: Annotated[PemFile | None, AfterValidator(_known_authority)] = Field(None, validate_default=True)
    client_allowed_sans: Annotated[
        tuple[str, ...] | None, Field(strict=False), AfterValidator(_of_required_certificates)
    ] = None
    min_version: Version = "TLS12"
    max_version: Annotated[Version, AfterValidator(_not_below_minimum)] = "TLS13"
    prefer_server_cipher_suites: bool = True
    cipher_suites: Annotated[
        object, _unsupported("OpenSSL's secure defaults are used; remove it, or set min_version: TLS13")
    ] = None
    curve_preferences: Annotated[object, _unsupported("OpenSSL chooses the curve; remove it")] = None

    @property
    def files(self) -> list[Path]:
        return [file for file in (self.cert_file, self.key_file, self.client_ca_file) if file]


def _printable(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise ValueError("expected visible ASCII characters")
    return value


HeaderValue = Annotated[str, AfterValidator(_printable)]


class Headers(WebSection):
    """Headers of every reply; one that is not given keeps our default."""

    content_security_policy: HeaderValue | None = Field(None, alias="Content-Security-Policy")
    x_frame_options: Literal["deny", "sameorigin"] | None = Field(None, alias="X-Frame-Options")
    x_content_type_options: Literal["nosniff"] | None = Field(None, alias="X-Content-Type-Options")
    x_xss_protection: HeaderValue | None = Field(None, alias="X-XSS-Protection")
    strict_transport_security: HeaderValue | None = Field(None, alias="Strict-Transport-Security")


class HttpServerConfig(WebSection):
    """Details of HTTP."""

    http2: Annotated[object, _unsupported("HTTP/1.1 is served, which Prometheus speaks too; remove it")] = None
    headers: Headers = Headers()


def _hash(given: SecretStr) -> SecretStr:
    if not _BCRYPT.fullmatch(given.get_secret_value()):
        raise ValueError("expected a hash by bcrypt, as htpasswd -nBC 10 '' prints it")
    return given


def _none_if_empty(section: object) -> object:
    return None if section == {} else section


class WebConfig(WebSection):
    """How to serve."""

    tls_server_config: Annotated[TlsServerConfig | None, BeforeValidator(_none_if_empty)] = None
    http_server_config: HttpServerConfig = HttpServerConfig()
    basic_auth_users: Mapping[str, Annotated[SecretStr, AfterValidator(_hash)]] = {}
    rate_limit: Annotated[
        object, _unsupported("concurrent requests are bounded instead; remove it, or limit the rate in a proxy")
    ] = None
