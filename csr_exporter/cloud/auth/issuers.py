"""Services that issue credentials for a time: IAM, STS, CCE's agent for pods, and the metadata service of the machine.

They are asked through our transport, which is bounded, observed and keeps to the deadline of the poll, as the SDK's own
requests are not. Shapes of the requests: `huaweicloudsdkcore.auth.internal`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import structlog

from csr_exporter.cloud.auth.leases import PASSWORD_PAUSE, Auth, Lease, LeasedAuth, SharedLease
from csr_exporter.cloud.auth.signing import (
    AccessKey,
    Credential,
    IamToken,
    fit_for_header,
    read_file,
    read_text,
    unavailable,
)
from csr_exporter.cloud.replies import parse_json
from csr_exporter.cloud.transport import HttpResponse, Transport
from csr_exporter.config import PasswordCredentials, encrypted, is_local, web_address
from csr_exporter.inventory import Reason, Service, SourceError

log = structlog.get_logger()

TOKEN_LIFE = 86_400.0
"""Seconds that a token lives, for a response that does not say."""

KEY_LIFE = 900.0
"""Seconds that a temporary key lives at least, for a response that does not say (IAM, temporary access keys)."""

ASKED_LIFE = 21_600
"""Seconds that are asked for, where one may ask."""

NO_AGENCY = "Please configure Cloud Service Agency first"


# --- IAM and STS ------------------------------------------------------------------------------------------------------


def password_auth(given: PasswordCredentials, transport: Transport, shared: SharedLease) -> Auth:
    """A token for a user and password (IAM, "Obtaining a User Token Through Password Authentication")."""

    def issue(now: float) -> Lease:
        address = f"{given.iam_endpoint}/v3/auth/tokens"
        password = read_text(given.password)
        request = requests.Request("POST", address, params={"nocatalog": "true"}, json=_token_request(given, password))
        response = _ask_iam(transport, request, password)
        match _json(response):
            case {"token": {"expires_at": expiry}}:
                pass
            case _:
                expiry = None
        return _lease(IamToken(_subject_token(response)), now, expiry, TOKEN_LIFE, transport)

    return LeasedAuth(issue, lambda: (read_text(given.password),), shared, PASSWORD_PAUSE)


def _token_request(given: PasswordCredentials, password: str) -> dict[str, object]:
    domain = {"name": given.domain}
    user = {"name": given.user, "password": password, "domain": domain}
    project = given.scope and given.scope.project
    return {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": project}} if project else {"domain": domain},
        }
    }


def federated_auth(found: Any, transport: Transport, shared: SharedLease) -> Auth:  # noqa: ANN401 - the SDK has no types
    """A key for an id token of an identity provider (IAM, ``OS-AUTH/id-token`` and ``OS-CREDENTIAL``)."""
    from huaweicloudsdkcore.auth.internal import IamHelper  # noqa: PLC0415 - costly, as in `kinds`

    def post(path: str, auth: object, secret: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
        address = found.iam_endpoint or IamHelper.get_iam_endpoint()
        iam = _endpoint("HUAWEICLOUD_SDK_IAM_ENDPOINT, or iam_endpoint of the profile", address, transport)
        return _ask_iam(transport, requests.Request("POST", iam + path, headers=headers, json={"auth": auth}), secret)

    def issue(now: float) -> Lease:
        id_token, provider = read_file(found.id_token_file), {"X-Idp-Id": fit_for_header(found.idp_id)}
        response = post(IamHelper.CREATE_TOKEN_BY_ID_TOKEN_URI, {"id_token": {"id": id_token}}, id_token, provider)
        token = _subject_token(response)
        identity = {"methods": ["token"], "token": {"id": token, "duration_seconds": ASKED_LIFE}}
        response = post(IamHelper.CREATE_TEMPORARY_ACCESS_KEY_BY_TOKEN_URI, {"identity": identity}, token)
        return _temporary_key(_json(response), now, getattr(found, "domain_id", None), transport)

    return LeasedAuth(issue, lambda: (read_file(found.id_token_file),), shared)


def oidc_auth(transport: Transport, shared: SharedLease) -> Auth:
    """A key of an agency that is assumed with an OIDC token, as the SDK's HUAWEICLOUD_OIDC_ variables say (STS)."""
    from huaweicloudsdkcore.auth.internal import StsHelper  # noqa: PLC0415 - likewise

    def issue(now: float) -> Lease:
        id_token = _oidc_token()
        asked = {
            "provider_urn": _variable("HUAWEICLOUD_OIDC_PROVIDER_URN"),
            "agency_urn": _variable("HUAWEICLOUD_OIDC_AGENCY_URN"),
            "agency_session_name": os.environ.get("HUAWEICLOUD_OIDC_SESSION_NAME", "csr-exporter"),
            "id_token": id_token,
            "duration_seconds": _oidc_seconds(),
        }
        sts = _endpoint("HUAWEICLOUD_SDK_STS_ENDPOINT", str(StsHelper.get_sts_endpoint()), transport)
        request = requests.Request("POST", f"{sts}/v5/agencies/assume-with-oidc", json=asked)
        response = _ask_iam(transport, request, id_token, success=200)
        return _temporary_key(_json(response), now, os.environ.get("HUAWEICLOUD_SDK_DOMAIN_ID"), transport)

    return LeasedAuth(issue, lambda: (_oidc_token(),), shared)


def _oidc_token() -> str:
    given = os.environ.get("HUAWEICLOUD_OIDC_ID_TOKEN", "").strip()
    return given or read_file(_variable("HUAWEICLOUD_OIDC_TOKEN_FILE"))


def _oidc_seconds() -> int:
    text = os.environ.get("HUAWEICLOUD_OIDC_DURATION_SECONDS", "3600")
    if not text.isascii() or not text.isdigit():
        raise unavailable("HUAWEICLOUD_OIDC_DURATION_SECONDS is not a number of seconds")
    return int(text)


def pod_identity_auth(transport: Transport, shared: SharedLease) -> Auth:
    """A key of the agency that CCE associates with the service account of this pod (SDK, `PodIdentityAccessor`)."""

    def token() -> str:
        return read_file(_variable("HC_CONTAINER_AUTHORIZATION_TOKEN_FILE"))

    def issue(now: float) -> Lease:
        address, given = _pod_identity_address(transport), token()
        request = requests.Request("POST", address, headers={"Authorization": fit_for_header(given)}, json={})
        response = _ask_iam(transport, request, given, success=200, called="pod identity")
        return _temporary_key(_json(response), now, None, transport)

    return LeasedAuth(issue, lambda: (token(),), shared)


def _pod_identity_address(transport: Transport) -> str:
    """The URL of CCE's agent; plain HTTP goes no further than this node, unless it is allowed. Raises `SourceError`."""
    name = "HC_CONTAINER_CREDENTIALS_FULL_URI"
    address = _variable(name)
    try:
        parts = urlsplit(address)
        web_address(f"{parts.scheme}://{parts.netloc}")
        near = is_local(parts.hostname or "", link=True)
        return encrypted(address, plain_http=near or transport.settings.plain_http)
    except ValueError as error:
        raise unavailable(f"{name}: {error}") from None


def _ask_iam(
    transport: Transport, request: requests.Request, secret: str, success: int = 201, called: str = "IAM"
) -> HttpResponse:
    try:
        return transport.send(Service.IAM, transport.prepare(request), success=success, secrets=(secret,))
    except SourceError as error:
        raise SourceError(error.reason, f"{called}: {error.detail}", pause=error.pause) from error


def _subject_token(response: HttpResponse) -> str:
    token = response.headers.get("X-Subject-Token", "")
    if not token:
        raise SourceError(Reason.MALFORMED_REPLY, "IAM: the reply has no X-Subject-Token")
    return token


# --- the metadata service ---------------------------------------------------------------------------------------------


def metadata_auth(address: str, transport: Transport, shared: SharedLease) -> Auth:
    """A key of the agency that is bound to this ECS, from the metadata service at *address*."""

    def issue(now: float) -> Lease:
        request = requests.Request("GET", f"{address}/openstack/latest/securitykey", headers=token_header())
        try:
            response = transport.send(Service.IAM, transport.prepare(request))
        except SourceError as error:
            raise _metadata_failed(error) from error
        found = _json(response)
        try:
            return _temporary_key(found, now, None, transport)
        except SourceError as error:
            raise _metadata_failed(error) from error

    def token_header() -> Mapping[str, str]:
        """None where the service has no such step."""
        headers = {"X-Metadata-Token-Ttl-Seconds": str(ASKED_LIFE)}
        request = requests.Request("PUT", f"{address}/meta-data/latest/api/token", headers=headers)
        try:
            token = transport.send(Service.IAM, transport.prepare(request)).body.decode("ascii", "replace").strip()
        except SourceError as error:
            if error.reason in {Reason.NOT_FOUND, Reason.BAD_REQUEST, Reason.SERVER_ERROR}:
                return {}
            raise _metadata_failed(error) from error
        return {"X-Metadata-Token": fit_for_header(token)}

    return LeasedAuth(issue, lambda: (), shared)


def _metadata_failed(error: SourceError) -> SourceError:
    """The metadata service is part of this machine: what it does not give is not to be had here."""
    if error.reason is Reason.DEADLINE:
        return error
    detail = "no agency is bound to this ECS" if NO_AGENCY in error.detail else error.detail
    return unavailable(f"metadata service: {detail}")


# --- what they say ----------------------------------------------------------------------------------------------------


def _json(response: HttpResponse) -> Any:  # noqa: ANN401 - whatever it holds
    """What the body says. Raises `SourceError`."""
    try:
        return parse_json(response.body)
    except ValueError:
        raise SourceError(Reason.MALFORMED_REPLY, "expected JSON in the reply of the issuer") from None


def _temporary_key(found: Any, now: float, domain_id: str | None, transport: Transport) -> Lease:  # noqa: ANN401 - likewise
    """The key in *found*, in any of the spellings of these services. Raises `SourceError`."""
    try:
        given = found.get("credential") or found["credentials"]
        spelt = {name.replace("_", "").lower(): value for name, value in given.items()}
        access = str(spelt.get("access") or spelt["accesskeyid"])
        secret = str(spelt.get("secret") or spelt["secretaccesskey"])
        key = AccessKey(fit_for_header(access), secret, fit_for_header(str(spelt["securitytoken"])), domain_id)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise SourceError(Reason.MALFORMED_REPLY, "the reply holds no temporary access key") from None
    return _lease(key, now, spelt.get("expiresat") or spelt.get("expiration"), KEY_LIFE, transport)


def _lease(credential: Credential, now: float, expiry: object, life: float, transport: Transport) -> Lease:
    """A lease until *expiry*, as the issuer told it, else for *life*."""
    expires_at = _unix_seconds(expiry, now + life)
    if expires_at <= now:
        log.warning(
            "credential_expired_when_issued",
            account=transport.settings.account,
            seconds_ago=round(now - expires_at),
            advice="check this machine's clock",
        )
    return Lease(credential, now, expires_at)


def _unix_seconds(text: object, otherwise: float) -> float:
    """An RFC 3339 time, with or without a fraction, in Unix seconds; *otherwise* for what is none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return otherwise


# --- what they are asked with -----------------------------------------------------------------------------------------


def _endpoint(name: str, address: str, transport: Transport) -> str:
    """The *address* of an issuer that *name* gives. Raises `SourceError`."""
    try:
        return encrypted(web_address(address), plain_http=transport.settings.plain_http)
    except ValueError as error:
        raise unavailable(f"{name}: {error}") from None


def _variable(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise unavailable(f"{name} is not set")
    return value
