"""Where access keys come from: the configuration, the places the official SDK looks in, or a service that lends them.

The SDK finds and reads; what has to be asked over the network goes through our transport, which is bounded, observed
and keeps to the deadline of the poll, as the SDK's own requests are not. Shapes: `huaweicloudsdkcore.auth.internal`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests

from csr_exporter.cloud.auth.contract import KEY_PAUSE, Auth
from csr_exporter.cloud.auth.iam import ask_iam, subject_token
from csr_exporter.cloud.auth.keys import AccessKey, AccessKeyAuth, TemporaryKeyAuth
from csr_exporter.cloud.auth.leases import Held, Lease, moment
from csr_exporter.cloud.auth.secrets import fit_for_header, read_token, unavailable
from csr_exporter.cloud.transport import Reply, Transport
from csr_exporter.config import AkskCredentials
from csr_exporter.inventory import Reason, Service, SourceError

METADATA_TOKEN_SECONDS = 21_600
FEDERATED_SECONDS = 21_600
SHORTEST_LIFE = 900.0
"""Seconds that a temporary key lives at least, for a reply that does not say (IAM, temporary access keys)."""

NO_AGENCY = "Please configure Cloud Service Agency first"


def configured_key(credentials: AkskCredentials) -> AccessKey:
    """The key that the configuration names. Raises `SourceError`."""
    token = credentials.security_token
    return AccessKey(
        ak=read_token(credentials.access_key),
        sk=read_token(credentials.secret_key),
        security_token=read_token(token) if token else None,
        domain_id=credentials.domain_id,
        project_id=credentials.project_id,
    )


# --- found by the SDK -------------------------------------------------------------------------------------------------


def sdk_auth(find: Callable[[], Any], transport: Transport, held: Held[AccessKey]) -> Auth:
    """Authentication with what the SDK finds at *find*: a key, or an id token to exchange for one.

    Which of them it is, is looked at once; without either it is taken for a key, which is looked for at each poll.
    """
    try:
        found = find()
    except SourceError:
        found = None
    if found is not None and found.idp_id and found.id_token_file:
        return federated_auth(found, transport, held)
    return AccessKeyAuth(lambda: _found_key(find()))


def of_environment() -> Any:  # noqa: ANN401 - the SDK has no types
    """The credentials in the variables of the SDK. Raises `SourceError`."""
    # Imported where needed: it takes a fifth of a second and 20 MiB, and leaves a file in the home directory.
    from huaweicloudsdkcore.auth.provider import EnvCredentialProvider  # noqa: PLC0415

    return _found(EnvCredentialProvider.get_global, "the variables HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK")


def of_profile() -> Any:  # noqa: ANN401 - the SDK has no types
    """The credentials in section ``global`` of the SDK's file, else in ``basic``. Raises `SourceError`."""
    from huaweicloudsdkcore.auth.provider import ProfileCredentialProvider  # noqa: PLC0415 - likewise

    try:
        return _found(ProfileCredentialProvider.get_global, "the profile")
    except SourceError:
        return _found(ProfileCredentialProvider.get_basic, "the credentials file, in section global or basic,")


def _found(provider: Callable[[], Any], place: str) -> Any:  # noqa: ANN401 - the SDK has no types
    try:
        return provider().get_credentials()
    except Exception as error:  # noqa: BLE001 - the SDK raises kinds without a common one, and all mean the same
        raise unavailable(f"{place} cannot be read or holds no credentials ({type(error).__name__})") from None


def _found_key(found: Any) -> AccessKey:  # noqa: ANN401 - the SDK has no types
    if not found.ak or not found.sk:
        raise unavailable("no access key was found")
    return AccessKey(
        ak=fit_for_header(found.ak),
        sk=found.sk,
        security_token=found.security_token and fit_for_header(found.security_token),
        domain_id=getattr(found, "domain_id", None),
        project_id=os.environ.get("HUAWEICLOUD_SDK_PROJECT_ID"),
    )


# --- lent by a service ------------------------------------------------------------------------------------------------


def federated_auth(found: Any, transport: Transport, held: Held[AccessKey]) -> Auth:  # noqa: ANN401 - the SDK has no types
    """A key of six hours for an id token of an identity provider (``OS-AUTH/id-token``, ``OS-CREDENTIAL``)."""
    from huaweicloudsdkcore.auth.internal import IamHelper  # noqa: PLC0415 - as above

    iam = found.iam_endpoint or IamHelper.get_iam_endpoint()
    file = Path(found.id_token_file)

    def obtain(now: float) -> Lease[AccessKey]:
        first = {"auth": {"id_token": {"id": _content(file)}}}
        headers = {"X-Idp-Id": fit_for_header(found.idp_id)}
        request = requests.Request("POST", iam + IamHelper.CREATE_TOKEN_BY_ID_TOKEN_URI, headers=headers, json=first)
        token = subject_token(ask_iam(transport, request, KEY_PAUSE))
        identity = {"methods": ["token"], "token": {"id": token, "duration_seconds": FEDERATED_SECONDS}}
        address = iam + IamHelper.CREATE_TEMPORARY_ACCESS_KEY_BY_TOKEN_URI
        reply = ask_iam(transport, requests.Request("POST", address, json={"auth": {"identity": identity}}), KEY_PAUSE)
        return _lent(reply, now, getattr(found, "domain_id", None))

    return TemporaryKeyAuth(obtain, lambda: (_content(file),), held)


def oidc_auth(transport: Transport, held: Held[AccessKey]) -> Auth:
    """A key of an agency that is assumed with an OIDC token, as the SDK's HUAWEICLOUD_OIDC_ variables say (STS)."""
    from huaweicloudsdkcore.auth.internal import StsHelper  # noqa: PLC0415 - as above

    def obtain(now: float) -> Lease[AccessKey]:
        asked = {
            "provider_urn": _variable("HUAWEICLOUD_OIDC_PROVIDER_URN"),
            "agency_urn": _variable("HUAWEICLOUD_OIDC_AGENCY_URN"),
            "agency_session_name": os.environ.get("HUAWEICLOUD_OIDC_SESSION_NAME", "csr-exporter"),
            "id_token": _oidc_token(),
            "duration_seconds": _oidc_seconds(),
        }
        request = requests.Request("POST", f"{StsHelper.get_sts_endpoint()}/v5/agencies/assume-with-oidc", json=asked)
        reply = ask_iam(transport, request, KEY_PAUSE, success=200)
        return _lent(reply, now, os.environ.get("HUAWEICLOUD_SDK_DOMAIN_ID"))

    return TemporaryKeyAuth(obtain, lambda: (_oidc_token(),), held)


def _oidc_token() -> str:
    given = os.environ.get("HUAWEICLOUD_OIDC_ID_TOKEN", "").strip()
    return given or _content(Path(_variable("HUAWEICLOUD_OIDC_TOKEN_FILE")))


def _oidc_seconds() -> int:
    text = os.environ.get("HUAWEICLOUD_OIDC_DURATION_SECONDS", "3600")
    if not text.isascii() or not text.isdigit():
        raise unavailable("HUAWEICLOUD_OIDC_DURATION_SECONDS is not a number of seconds")
    return int(text)


def metadata_auth(address: str, transport: Transport, held: Held[AccessKey]) -> Auth:
    """A key of the agency that is bound to this ECS, from the metadata service at *address*."""

    def obtain(now: float) -> Lease[AccessKey]:
        request = requests.Request("GET", f"{address}/openstack/latest/securitykey", headers=_metadata_token())
        try:
            return _lent(transport.send(Service.IAM, request), now, None)
        except SourceError as error:
            raise _metadata_failed(error) from error

    def _metadata_token() -> Mapping[str, str]:
        """A header with a token; none where the service has no such step."""
        headers = {"X-Metadata-Token-Ttl-Seconds": str(METADATA_TOKEN_SECONDS)}
        request = requests.Request("PUT", f"{address}/meta-data/latest/api/token", headers=headers)
        try:
            token = transport.send(Service.IAM, request).body.decode("ascii", "replace").strip()
        except SourceError as error:
            if error.reason in {Reason.NOT_FOUND, Reason.BAD_REQUEST, Reason.SERVER_ERROR}:
                return {}
            raise _metadata_failed(error) from error
        return {"X-Metadata-Token": fit_for_header(token)}

    return TemporaryKeyAuth(obtain, lambda: (), held)


def _metadata_failed(error: SourceError) -> SourceError:
    """The metadata service is part of this machine: what it does not give is not to be had here."""
    if error.reason is Reason.DEADLINE:
        return error
    words = "no agency is bound to this ECS" if NO_AGENCY in error.detail else error.detail
    return unavailable(f"metadata service: {words}")


def _lent(reply: Reply, now: float, domain_id: str | None) -> Lease[AccessKey]:
    """The key in *reply*, in any of the spellings of the services. Raises `SourceError`."""
    try:
        found = json.loads(reply.body)
        given = found.get("credential") or found["credentials"]
        spelt = {name.replace("_", "").lower(): value for name, value in given.items()}
        access = str(spelt.get("access") or spelt["accesskeyid"])
        secret = str(spelt.get("secret") or spelt["secretaccesskey"])
        key = AccessKey(fit_for_header(access), secret, fit_for_header(str(spelt["securitytoken"])), domain_id)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise SourceError(Reason.MALFORMED_REPLY, "the reply holds no temporary access key") from None
    return Lease(key, now, moment(spelt.get("expiresat") or spelt.get("expiration"), now + SHORTEST_LIFE))


def _variable(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise unavailable(f"{name} is not set")
    return value


def _content(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise unavailable(f"{file}: {getattr(error, 'strerror', None) or 'expected text'}") from None
    if not text:
        raise unavailable(f"{file} is empty")
    return text
