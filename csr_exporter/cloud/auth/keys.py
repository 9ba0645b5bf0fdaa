"""Access keys, permanent and temporary: requests signed with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from requests import PreparedRequest

from csr_exporter.cloud.auth.contract import Auth
from csr_exporter.cloud.auth.leases import Held, Lease, Leased
from csr_exporter.cloud.auth.secrets import fingerprint


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key with its secret, as the official signer wants it, and what identifies the account to it."""

    ak: str
    sk: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    domain_id: str | None = None
    project_id: str | None = None

    def headers(self) -> dict[str, str]:
        """The headers that go with a signature, and under it."""
        given = {
            "X-Security-Token": self.security_token,
            "X-Domain-Id": self.domain_id,
            "X-Project-Id": self.project_id,
        }
        return {name: value for name, value in given.items() if value}


class AccessKeyAuth(Auth):
    """Signs requests with an access key, which is read anew each time so that a change takes effect at once."""

    def __init__(self, access_key: Callable[[], AccessKey]) -> None:
        self._access_key = access_key

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return sign(request, self._access_key())

    def fingerprint(self) -> bytes:
        return fingerprint(lambda: astuple(self._access_key()))


class TemporaryKeyAuth(Auth):
    """Signs requests with a temporary access key that is obtained, and renewed before it ends.

    *source* gives the secrets that it is obtained with, so that a change of them is noticed.
    """

    def __init__(
        self,
        obtain: Callable[[float], Lease[AccessKey]],
        source: Callable[[], Iterable[object]],
        held: Held[AccessKey],
    ) -> None:
        self._keys = Leased(obtain, self.fingerprint, self.pause, held)
        self._source = source

    @property
    def expires_at(self) -> float | None:
        return self._keys.expires_at

    @property
    def renewals(self) -> int | None:
        return self._keys.renewals

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return sign(request, self._keys.current())

    def renew(self) -> bool:
        self._keys.drop()
        return True

    def fingerprint(self) -> bytes:
        return fingerprint(self._source)


def sign(request: PreparedRequest, key: AccessKey) -> PreparedRequest:
    """Sign *request* with *key* by the official signer. Source: "API Request Signing Guide", SDK-HMAC-SHA256."""
    address = urlsplit(str(request.url))
    signed = SdkRequest(
        method=str(request.method),
        schema=address.scheme,
        host=address.netloc,
        resource_path=address.path,
        query_params=parse_qsl(address.query, keep_blank_values=True),
        header_params={
            "X-Sdk-Date": datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
            "Host": address.netloc,
            **key.headers(),
        },
        body="",
    )
    Signer(key).sign(signed)
    # What was signed must be what is sent, to the letter.
    request.url = f"{address.scheme}://{address.netloc}{signed.uri}"
    request.headers.update(signed.header_params)
    return request
