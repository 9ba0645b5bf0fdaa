"""From the configuration of credentials to what authenticates with them."""

from __future__ import annotations

from typing import Any

from csr_exporter.cloud.auth import sources
from csr_exporter.cloud.auth.contract import Auth
from csr_exporter.cloud.auth.keys import AccessKeyAuth
from csr_exporter.cloud.auth.leases import Held
from csr_exporter.cloud.auth.tokens import PasswordAuth, TokenAuth
from csr_exporter.cloud.transport import Transport
from csr_exporter.config import (
    AkskCredentials,
    AnyCredentials,
    EnvironmentCredentials,
    MetadataCredentials,
    OidcCredentials,
    PasswordCredentials,
    ProfileCredentials,
    TokenCredentials,
)


def auth_for(  # noqa: PLR0911 - a table
    credentials: AnyCredentials, transport: Transport, held: Held[Any]
) -> Auth:
    """The authentication that *credentials* ask for, with *transport* for what has to be asked of other services.

    *held* is what accounts with equal credentials have in common: tokens and temporary keys.
    """
    match credentials:
        case AkskCredentials():
            return AccessKeyAuth(lambda: sources.configured_key(credentials))
        case TokenCredentials():
            return TokenAuth(credentials.token)
        case PasswordCredentials():
            return PasswordAuth(credentials, transport, held)
        case EnvironmentCredentials():
            return sources.sdk_auth(sources.of_environment, transport, held)
        case ProfileCredentials():
            return sources.sdk_auth(sources.of_profile, transport, held)
        case OidcCredentials():
            return sources.oidc_auth(transport, held)
        case MetadataCredentials():
            return sources.metadata_auth(credentials.metadata_endpoint, transport, held)
