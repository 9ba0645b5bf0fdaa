"""From the configuration of credentials to what authenticates with them."""

from __future__ import annotations

from csr_exporter.auth import sources
from csr_exporter.auth.contract import Auth
from csr_exporter.auth.keys import AccessKeyAuth
from csr_exporter.auth.tokens import PasswordAuth, TokenAuth
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
from csr_exporter.transport import Transport


def auth_for(credentials: AnyCredentials, transport: Transport) -> Auth:  # noqa: PLR0911 - a table
    """The authentication that *credentials* ask for, with *transport* for what has to be asked of other services."""
    match credentials:
        case AkskCredentials():
            return AccessKeyAuth(lambda: sources.configured_key(credentials))
        case TokenCredentials():
            return TokenAuth(credentials.token)
        case PasswordCredentials():
            return PasswordAuth(credentials, transport)
        case EnvironmentCredentials():
            return sources.sdk_auth(sources.of_environment, transport)
        case ProfileCredentials():
            return sources.sdk_auth(sources.of_profile, transport)
        case OidcCredentials():
            return sources.oidc_auth(transport)
        case MetadataCredentials():
            return sources.metadata_auth(credentials.metadata_endpoint, transport)
