"""From the configuration of credentials to the credential: in the configuration, found by the SDK, or issued."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from csr_exporter.cloud.auth import issuers
from csr_exporter.cloud.auth.leases import Auth, GivenAuth, SharedLease
from csr_exporter.cloud.auth.signing import AccessKey, IamToken, fit_for_header, read_file, read_token, unavailable
from csr_exporter.cloud.transport import Transport
from csr_exporter.config import (
    AkskCredentials,
    AnyCredentials,
    EnvironmentCredentials,
    MetadataCredentials,
    OidcCredentials,
    PasswordCredentials,
    PodIdentityCredentials,
    ProfileCredentials,
    TokenCredentials,
)
from csr_exporter.inventory import SourceError


def auth_for(given: AnyCredentials, transport: Transport, shared: SharedLease) -> Auth:  # noqa: PLR0911 - a table
    """What *given* asks for; *transport* asks issuers, and *shared* is the lease of all accounts that have the same."""
    match given:
        case AkskCredentials():
            return GivenAuth(lambda: _configured_key(given))
        case TokenCredentials():
            return GivenAuth(lambda: IamToken(read_token(given.token)))
        case PasswordCredentials():
            return issuers.password_auth(given, transport, shared)
        case EnvironmentCredentials():
            return _sdk_auth(_from_environment, transport, shared)
        case ProfileCredentials():
            return _sdk_auth(_from_profile, transport, shared)
        case OidcCredentials():
            return issuers.oidc_auth(transport, shared)
        case PodIdentityCredentials():
            return issuers.pod_identity_auth(transport, shared)
        case MetadataCredentials():
            return issuers.metadata_auth(given.metadata_endpoint, transport, shared)


def _configured_key(given: AkskCredentials) -> AccessKey:
    token = given.security_token
    return AccessKey(
        ak=read_token(given.access_key),
        sk=read_token(given.secret_key),
        security_token=read_token(token) if token else None,
        domain_id=given.domain_id,
        project_id=given.project_id,
    )


# --- found by the SDK -------------------------------------------------------------------------------------------------


def _sdk_auth(find: Callable[[], Any], transport: Transport, shared: SharedLease) -> Auth:
    """What the SDK finds: a key, or an id token to exchange for one.

    Which of them is settled here. Where there is neither yet, it is taken for a key, and looked for at each request.
    """
    try:
        found = find()
    except SourceError:
        found = None
    if found is not None and found.idp_id and found.id_token_file:
        return issuers.federated_auth(found, transport, shared)
    return GivenAuth(lambda: _found_key(find()))


def _from_environment() -> Any:  # noqa: ANN401 - the SDK has no types
    # Imported where needed: it takes a fifth of a second and 20 MiB, and leaves a file in the home directory.
    from huaweicloudsdkcore.auth.provider import EnvCredentialProvider  # noqa: PLC0415

    return _found(EnvCredentialProvider.get_global, "the variables HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK")


def _from_profile() -> Any:  # noqa: ANN401 - the SDK has no types
    """What section ``global`` of the SDK's file holds, else ``basic``."""
    from huaweicloudsdkcore.auth.provider import ProfileCredentialProvider  # noqa: PLC0415 - likewise

    usual = os.path.expanduser("~/.huaweicloud/credentials")  # noqa: PTH111 - Path raises where there is no home
    file = Path(os.environ.get("HUAWEICLOUD_SDK_CREDENTIALS_FILE") or usual)
    if file.exists():
        read_file(file)  # the SDK would wait at a FIFO, and read a device without end
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
