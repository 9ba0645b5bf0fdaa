"""What signs requests, tokens and access keys, and reading them from where the configuration says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from requests import PreparedRequest

from csr_exporter.config import Secret, SecretUnavailableError
from csr_exporter.inventory import Reason, SourceError


@dataclass(frozen=True, slots=True)
class IamToken:
    """A token of IAM, which goes with the request as it is."""

    value: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.value,)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["X-Auth-Token"] = self.value
        return request


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key with its secret, named as the official signer wants it. Only signatures travel, never *sk*."""

    ak: str
    sk: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    domain_id: str | None = None
    project_id: str | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        return self.sk, self.security_token or ""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign by the official signer. Source: "API Request Signing Guide", SDK-HMAC-SHA256."""
        address = urlsplit(str(request.url))
        optional = {
            "X-Security-Token": self.security_token,
            "X-Domain-Id": self.domain_id,
            "X-Project-Id": self.project_id,
        }
        signed = SdkRequest(
            method=str(request.method),
            schema=address.scheme,
            host=address.netloc,
            resource_path=address.path,
            query_params=parse_qsl(address.query, keep_blank_values=True),
            header_params={
                "X-Sdk-Date": datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
                "Host": address.netloc,
                **{name: value for name, value in optional.items() if value},
            },
            body="",
        )
        Signer(self).sign(signed)
        # What was signed must be what is sent, to the letter.
        request.url = f"{address.scheme}://{address.netloc}{signed.uri}"
        request.headers.update(signed.header_params)
        return request


Credential = IamToken | AccessKey


def read_text(secret: Secret) -> str:
    """A secret of any characters. Raises `SourceError`."""
    try:
        return secret.read()
    except SecretUnavailableError as error:
        raise unavailable(str(error)) from None


def read_file(file: str | Path) -> str:
    """The secret in *file*. Raises `SourceError`."""
    return read_text(Secret("_file", str(file)))


def read_token(secret: Secret) -> str:
    """A secret that goes into a header. Raises `SourceError`."""
    return fit_for_header(read_text(secret))


def fit_for_header(text: str) -> str:
    """*text*, if a header can carry it. Raises `SourceError`."""
    # The libraries below would quote the whole value in their error.
    if not all("!" <= character <= "~" for character in text):
        raise unavailable("a key or token has characters that a header cannot carry")
    return text


def unavailable(detail: str) -> SourceError:
    """There are no credentials, and *detail* says why."""
    return SourceError(Reason.CREDENTIALS_UNAVAILABLE, detail)
