"""The model of the web configuration, which has the format of Prometheus' exporter-toolkit.

Source: prometheus/exporter-toolkit, docs/web-configuration.md. What the format has and we cannot do is refused with a
sentence that says so: a setting that is silently ignored is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, model_validator

from csr_exporter.config import Duration, FilePath, Section
from csr_exporter.web.config.names import CIPHERS, CURVES, TLS13_CIPHERS

T = TypeVar("T")

_BCRYPT = re.compile(r"\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")


class WebSection(Section):
    """A section in which a blank value is as good as none, as the format has it."""

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        return {key: value for key, value in data.items() if value is not None and value != ""}


def _one_way(value: T | None, info: ValidationInfo) -> T | None:
    """*value* of ``X_file``, if that and ``X`` are not both given. Raises `ValueError`."""
    inline = str(info.field_name).removesuffix("_file")
    if value is not None and info.data.get(inline) is not None:
        raise ValueError(f"expected either {inline} or {inline}_file")
    return value


def _given(value: T | None, info: ValidationInfo) -> T | None:
    inline = str(info.field_name).removesuffix("_file")
    if value is None and inline in info.data and info.data[inline] is None:
        raise ValueError(f"expected either {inline} or {inline}_file")
    return value


def _readable(file: Path) -> Path:
    try:
        with file.open("rb"):
            return file
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


PemFile = Annotated[Annotated[FilePath, AfterValidator(_readable)] | None, AfterValidator(_one_way)]


def _verifiable(value: object) -> object:
    if value in ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert"):
        raise ValueError(
            "expected NoClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert: "
            "a certificate that nobody verifies proves nothing, and Python's ssl module cannot ask for one"
        )
    return value


def _known_authority(file: Path | None, info: ValidationInfo) -> Path | None:
    verifying = info.data.get("client_auth_type")
    given = file is not None or info.data.get("client_ca") is not None
    if given and verifying == "NoClientCert":
        raise ValueError("expected a client_auth_type that verifies certificates, such as RequireAndVerifyClientCert")
    if not given and verifying not in {None, "NoClientCert"}:
        raise ValueError("expected either client_ca or client_ca_file, or any public authority could let clients in")
    return file


def _of_required_certificates(names: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
    if names == ():
        raise ValueError("expected at least one name")
    if names is not None and info.data.get("client_auth_type") not in {None, "RequireAndVerifyClientCert"}:
        raise ValueError("expected client_auth_type to be RequireAndVerifyClientCert")
    return names


def _modern(value: object) -> object:
    if value in ("TLS10", "TLS11"):
        raise ValueError("expected TLS12 or TLS13: earlier versions are not offered")
    return value


def _not_below_minimum(value: str, info: ValidationInfo) -> str:
    if value < info.data.get("min_version", value):
        raise ValueError("expected at least min_version")
    return value


def _ciphers(names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    if not {*names} <= {*CIPHERS, *TLS13_CIPHERS}:
        raise ValueError(f"expected cipher suites among {', '.join([*CIPHERS, *TLS13_CIPHERS])}")
    if names and {*names} <= {*TLS13_CIPHERS} and info.data.get("min_version") == "TLS12":
        raise ValueError("expected a cipher suite of TLS 1.2, or min_version: TLS13")
    return names


def _one_curve(names: tuple[str, ...]) -> tuple[str, ...]:
    if not {*names} <= CURVES.keys():
        raise ValueError(f"expected a curve among {', '.join(CURVES)}")
    if len(names) > 1:
        raise ValueError("expected one curve: Python's ssl module takes no list of them")
    return names


Version = Annotated[Literal["TLS12", "TLS13"], BeforeValidator(_modern)]


class TlsServerConfig(WebSection):
    """How connections are encrypted, and which clients may connect."""

    cert: str | None = Field(None, description="Certificate of the server and its chain, in PEM")
    key: SecretStr | None = Field(None, description="Private key of the certificate, in PEM")
    client_ca: str | None = Field(None, description="Certificate authorities of clients, in PEM")
    cert_file: Annotated[PemFile, AfterValidator(_given)] = Field(
        None, validate_default=True, description="File with the certificate of the server and its chain"
    )
    key_file: Annotated[PemFile, AfterValidator(_given)] = Field(
        None, validate_default=True, description="File with the private key, not encrypted"
    )
    client_auth_type: Annotated[
        Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"], BeforeValidator(_verifiable)
    ] = Field("NoClientCert", description="Whether clients show a certificate")
    client_ca_file: Annotated[PemFile, AfterValidator(_known_authority)] = Field(
        None, validate_default=True, description="File with the certificate authorities of clients"
    )
    client_allowed_sans: Annotated[
        tuple[str, ...] | None, Field(strict=False), AfterValidator(_of_required_certificates)
    ] = Field(None, description="Subject alternative names, one of which the certificate of a client must have")
    min_version: Version = Field("TLS12", description="Oldest version of TLS")
    max_version: Annotated[Version, AfterValidator(_not_below_minimum)] = Field(
        "TLS13", description="Newest version of TLS"
    )
    cipher_suites: Annotated[tuple[str, ...], Field(strict=False), AfterValidator(_ciphers)] = Field(
        (), description="Cipher suites of TLS 1.2, as Go names them; those of TLS 1.3 are always on"
    )
    prefer_server_cipher_suites: bool = Field(default=True, description="Whether the order of ours decides")
    curve_preferences: Annotated[tuple[str, ...], Field(strict=False), AfterValidator(_one_curve)] = Field(
        (), description="The curve of key exchange"
    )


def _printable(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise ValueError("expected visible ASCII characters")
    return value


HeaderValue = Annotated[str, AfterValidator(_printable)]


class Headers(WebSection):
    """Headers of every reply; one that is not given stays as we have it."""

    content_security_policy: HeaderValue | None = Field(None, alias="Content-Security-Policy")
    x_frame_options: Literal["deny", "sameorigin"] | None = Field(None, alias="X-Frame-Options")
    x_content_type_options: Literal["nosniff"] | None = Field(None, alias="X-Content-Type-Options")
    x_xss_protection: HeaderValue | None = Field(None, alias="X-XSS-Protection")
    strict_transport_security: HeaderValue | None = Field(None, alias="Strict-Transport-Security")


def _http1(wanted: bool) -> bool:  # noqa: FBT001 - a validator
    if wanted:
        raise ValueError("expected false: HTTP/2 is not supported, HTTP/1.1 is what is served")
    return wanted


class HttpServerConfig(WebSection):
    """Details of HTTP."""

    http2: Annotated[bool, AfterValidator(_http1)] = Field(default=False, description="HTTP/2, which we do not have")
    headers: Headers = Field(Headers(), description="Headers of every reply")


def _hash(given: SecretStr) -> SecretStr:
    if not _BCRYPT.fullmatch(given.get_secret_value()):
        raise ValueError("expected a hash by bcrypt, as htpasswd -nBC 10 '' prints it")
    return given


def _zero(value: object) -> object:
    return "0s" if value in (0, "0") and value is not False else value


def _some(burst: int, info: ValidationInfo) -> int:
    if burst < 1 and info.data.get("interval"):
        raise ValueError("expected at least 1, or no request would ever be answered")
    return burst


class RateLimitConfig(WebSection):
    """A bucket of *burst* tokens to which one is added every *interval* seconds; each request takes one."""

    interval: Annotated[Duration, BeforeValidator(_zero)] = Field(
        "0s", validate_default=True, description="Time between two requests; 0 for no limit"
    )
    burst: Annotated[int, AfterValidator(_some)] = Field(
        0, validate_default=True, description="Requests that may come at once"
    )


def _none_if_empty(section: object) -> object:
    return None if section == {} else section


class WebConfig(WebSection):
    """How to serve."""

    tls_server_config: Annotated[TlsServerConfig | None, BeforeValidator(_none_if_empty)] = Field(
        None, description="Encryption and client certificates; without it connections are plain"
    )
    http_server_config: HttpServerConfig = Field(HttpServerConfig(), description="Details of HTTP")
    basic_auth_users: Mapping[str, Annotated[SecretStr, AfterValidator(_hash)]] = Field(
        {}, description="Users and the bcrypt hashes of their passwords; without any, everyone may read"
    )
    rate_limit: RateLimitConfig = Field(RateLimitConfig(), description="How often requests are answered")
