"""One `AuthBase` for each kind of credential: how it is got, kept and renewed is its own affair."""

from __future__ import annotations

import hashlib
import json
import os
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import requests
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from requests import PreparedRequest
from requests.auth import AuthBase

from csr_exporter.config import (
    AkskCredentials,
    AnyCredentials,
    EnvironmentCredentials,
    PasswordCredentials,
    Secret,
    SecretUnavailableError,
    TokenCredentials,
)
from csr_exporter.inventory import Reason, Service, SourceError
from csr_exporter.transport import Reply, Transport

RENEW_BEFORE = 3600.0
"""Seconds before its expiry that a token of 24 hours is renewed."""

KEY_PAUSE = 300.0
"""Seconds to wait after a refusal: more than five in a row lock a key for as long (API Request Signing Guide)."""

PASSWORD_PAUSE = 900.0
"""Seconds to wait after IAM refused a password: failures within 15 minutes or more add up to a lock (login policy)."""

DOCUMENTED_LIFETIME = 86_400.0
"""Seconds that a token lives, for a reply that does not say."""


class Auth(AuthBase):
    """Authenticates requests to SCM.

    *pause* is how many seconds to wait after a refusal that renewing does not cure, lest the service lock the key or
    the user. Calling it raises `SourceError` where there are no credentials to be had.
    """

    pause = KEY_PAUSE
    expires_at: float | None = None
    renewals: int | None = None

    @abstractmethod
    def __call__(self, request: PreparedRequest) -> PreparedRequest: ...

    def renew(self) -> bool:
        """Forget what was refused; whether there may be something newer to try."""
        return False

    def fingerprint(self) -> bytes:
        """Changes when the secrets do; tells nothing of them."""
        return b""


def auth_for(credentials: AnyCredentials, transport: Transport) -> Auth:
    """The authentication that *credentials* ask for, with *transport* for what has to be asked of IAM."""
    match credentials:
        case AkskCredentials():
            return AccessKeyAuth(lambda: _access_key(credentials))
        case TokenCredentials():
            return TokenAuth(credentials.token)
        case PasswordCredentials():
            return PasswordAuth(credentials, transport)
        case EnvironmentCredentials():
            return AccessKeyAuth(_access_key_of_the_environment)


# --- access keys ------------------------------------------------------------------------------------------------------


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
    """Signs requests with an access key, which is read anew each time so that a change takes effect at once.

    Source: "API Request Signing Guide", SDK-HMAC-SHA256; the signer is the official one.
    """

    def __init__(self, access_key: Callable[[], AccessKey]) -> None:
        self._access_key = access_key

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        key = self._access_key()
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

    def fingerprint(self) -> bytes:
        return _fingerprint(lambda: astuple(self._access_key()))


def _access_key(credentials: AkskCredentials) -> AccessKey:
    token = credentials.security_token
    return AccessKey(
        ak=_read(credentials.access_key),
        sk=_read(credentials.secret_key),
        security_token=_read(token) if token else None,
        domain_id=credentials.domain_id,
        project_id=credentials.project_id,
    )


def _access_key_of_the_environment() -> AccessKey:
    # Imported where needed: it takes a fifth of a second and 20 MiB, and leaves a file in the home directory.
    from huaweicloudsdkcore.auth.provider import EnvCredentialProvider  # noqa: PLC0415
    from huaweicloudsdkcore.exceptions.exceptions import SdkException  # noqa: PLC0415

    try:
        found = EnvCredentialProvider.get_global().get_credentials()
    except (SdkException, ValueError):
        found = None
    if found is None or not found.ak or not found.sk:
        raise _unavailable("HUAWEICLOUD_SDK_AK or HUAWEICLOUD_SDK_SK is not set")
    return AccessKey(
        ak=_fit_for_header(found.ak),
        sk=found.sk,
        security_token=found.security_token and _fit_for_header(found.security_token),
        domain_id=found.domain_id,
        project_id=os.environ.get("HUAWEICLOUD_SDK_PROJECT_ID"),
    )


# --- tokens -----------------------------------------------------------------------------------------------------------


class TokenAuth(Auth):
    """Sends a token that was issued elsewhere, which is read anew each time so that a change takes effect at once."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["X-Auth-Token"] = _read(self._token)
        return request

    def fingerprint(self) -> bytes:
        return _fingerprint(lambda: (_read(self._token),))


@dataclass(frozen=True, slots=True)
class Token:
    """A token of IAM, and when it was issued and expires in Unix seconds."""

    value: str = field(repr=False)
    issued_at: float
    expires_at: float

    def worth_renewing(self, now: float) -> bool:
        """Whether its end is near: an hour, or a quarter of its life if that is less."""
        return self.expires_at - now < min(RENEW_BEFORE, (self.expires_at - self.issued_at) / 4)


class PasswordAuth(Auth):
    """Sends a token that IAM issued for a user and password, renewed before it expires.

    Source: "Obtaining a User Token Through Password Authentication".
    """

    pause = PASSWORD_PAUSE

    def __init__(self, credentials: PasswordCredentials, transport: Transport) -> None:
        self._credentials = credentials
        self._transport = transport
        self._token: Token | None = None
        self._renew_not_before = 0.0
        self.renewals: int = 0

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["X-Auth-Token"] = self._current(time.time()).value
        return request

    def renew(self) -> bool:
        self._token = None
        return True

    def fingerprint(self) -> bytes:
        return _fingerprint(lambda: (_read_password(self._credentials.password),))

    def _current(self, now: float) -> Token:
        token = self._token
        if token is None or now >= token.expires_at:
            self._token = self._issue(now)
        elif token.worth_renewing(now) and now >= self._renew_not_before:
            self._token = self._renewed(token, now)
        self.expires_at = self._token.expires_at if self._token else None
        return self._token or self._issue(now)

    def _renewed(self, token: Token, now: float) -> Token:
        """A newer token; the old one serves while it is valid and none is to be had."""
        try:
            return self._issue(now)
        except SourceError:
            self._renew_not_before = now + self.pause
            return token

    def _issue(self, now: float) -> Token:
        address = f"{self._credentials.iam_endpoint}/v3/auth/tokens"
        request = requests.Request("POST", address, params={"nocatalog": "true"}, json=self._question())
        try:
            reply = self._transport.send(Service.IAM, request, success=201)
        except SourceError as error:
            refused = error.reason in {Reason.UNAUTHORIZED, Reason.FORBIDDEN}
            pause = self.pause if refused else error.pause
            raise SourceError(error.reason, f"IAM: {error.detail}", pause=pause) from error
        self.renewals += self.expires_at is not None
        return _issued_token(reply, now)

    def _question(self) -> dict[str, object]:
        given = self._credentials
        user = {
            "name": given.user,
            "password": _read_password(given.password),
            "domain": {"name": given.domain},
        }
        project = given.scope and given.scope.project
        scope = {"project": {"name": project}} if project else {"domain": {"name": given.domain}}
        return {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": scope,
            }
        }


def _issued_token(reply: Reply, now: float) -> Token:
    value = reply.headers.get("X-Subject-Token", "")
    if not value:
        raise SourceError(Reason.MALFORMED_REPLY, "IAM: the reply has no X-Subject-Token")
    try:
        expires_at = datetime.fromisoformat(json.loads(reply.body)["token"]["expires_at"]).timestamp()
    except (ValueError, TypeError, KeyError):
        expires_at = now + DOCUMENTED_LIFETIME
    return Token(value, now, expires_at)


# --- secrets ----------------------------------------------------------------------------------------------------------


def _read(secret: Secret) -> str:
    return _fit_for_header(_read_password(secret))


def _read_password(secret: Secret) -> str:
    try:
        return secret.read()
    except SecretUnavailableError as error:
        raise _unavailable(str(error)) from None


def _fit_for_header(text: str) -> str:
    # The libraries below would quote the whole value in their error.
    if not all("!" <= character <= "~" for character in text):
        raise _unavailable("a key or token has characters that a header cannot carry")
    return text


def _unavailable(detail: str) -> SourceError:
    return SourceError(Reason.CREDENTIALS_UNAVAILABLE, detail)


def _fingerprint(secrets: Callable[[], Iterable[object]]) -> bytes:
    try:
        return hashlib.sha256(repr(list(secrets())).encode()).digest()
    except SourceError as error:
        return error.detail.encode()
