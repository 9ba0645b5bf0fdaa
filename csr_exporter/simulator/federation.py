"""Temporary keys for those whom an identity provider vouches for: by IAM in two steps, or by STS or CCE in one.

Source: what the official SDK sends and expects (`FederalAccessor`, `OidcStsAccessor`, `PodIdentityAccessor`), and the
API references: "Obtaining a Token with an OpenID Connect ID Token" and "AssumeAgencyWithOIDC" of IAM,
"AssumeAgencyForPodIdentity" of CCE.
Nothing is verified of an id token but that it is the one of the account.
"""

from __future__ import annotations

from collections.abc import Iterable

from csr_exporter.simulator.account import SimulatedAccount
from csr_exporter.simulator.keys import IssuedKey, KeyRing, Tokens, rfc3339
from csr_exporter.simulator.messages import ApiReply, Call, dig, json_reply, service_refusal

POD_IDENTITY_PATH = "/v1/credentials"

MIN_SECONDS = 900

POD_SECONDS = 3600
"""Not documented; an hour is what an agency is assumed for by default."""


class Federation:
    """Exchanges id tokens. `key_lifetime` of the account caps whatever duration is asked for."""

    def __init__(self, accounts: Iterable[SimulatedAccount], tokens: Tokens, keys: KeyRing) -> None:
        self._accounts = {account.id_token: account for account in accounts}
        self._tokens = tokens
        self._keys = keys

    def claimed(self, call: Call) -> str:
        """Name of the account whose id token, or token, is presented; empty when it is none's."""
        account = self._accounts.get(_id_token(call))
        if account:
            return account.name
        token = self._tokens.find(_token(call))
        return token.account if token else ""

    def unscoped_token(self, call: Call) -> ApiReply:
        """Step one: status 201, the token in a header; SCM takes no such token. Raises `RefusedError`, 401."""
        account = self._accounts.get(_id_token(call))
        if account is None or call.headers.get("x-idp-id") != account.idp_id:
            raise service_refusal(401, "IAM.0007", "Request parameter id_token is invalid.")
        token = self._tokens.issue(account, call.now, scoped=False)
        content = {
            "expires_at": rfc3339(call.now + account.token_lifetime),
            "issued_at": rfc3339(call.now),
            "methods": ["mapped"],
            "user": {"domain": {"id": account.domain_id, "name": account.domain}, "name": account.user},
        }
        return json_reply(201, {"token": content}, {"X-Subject-Token": token.value})

    def keys_for_token(self, call: Call) -> ApiReply:
        """Step two: status 201. Raises `RefusedError`: 400 for a duration not within 15 minutes to 24 hours, 401."""
        token = self._tokens.find(_token(call))
        if token is None or token.expired(call.now):
            raise service_refusal(401, "IAM.0007", "Request parameter token is invalid.")
        asked = dig(call.content, "auth", "identity", "token", "duration_seconds")
        key = self._issue(call, token.account, _duration(asked, default=MIN_SECONDS, most=86_400))
        content = {
            "access": key.access,
            "secret": key.secret,
            "securitytoken": key.security_token,
            "expires_at": rfc3339(key.expires_at or 0),
        }
        return json_reply(201, {"credential": content})

    def assume_agency(self, call: Call) -> ApiReply:
        """The way of STS: status 200. Raises `RefusedError`: 400 for a duration not within 15 minutes to 12 hours."""
        account = self._accounts.get(_id_token(call))
        if account is None or (dig(call.content, "provider_urn"), dig(call.content, "agency_urn")) != account.urns:
            raise service_refusal(403, "STS5.XXX", "Access denied.")
        asked = dig(call.content, "duration_seconds")
        key = self._issue(call, account.name, _duration(asked, default=3600, most=43_200))
        credentials = {
            "access_key_id": key.access,
            "secret_access_key": key.secret,
            "security_token": key.security_token,
            "expiration": rfc3339(key.expires_at or 0),
        }
        return json_reply(200, {"credentials": credentials, "assumed_agency": {"urn": account.urns[1]}})

    def pod_identity(self, call: Call) -> ApiReply:
        """The way of CCE's agent on each node: status 200. Raises `RefusedError`, 403."""
        account = self._accounts.get(_id_token(call))
        if account is None:
            raise service_refusal(403, "CCE.XXX", "Access denied.")
        key = self._issue(call, account.name, POD_SECONDS)
        credentials = {
            "accessKeyId": key.access,
            "secretAccessKey": key.secret,
            "securityToken": key.security_token,
            "expiration": rfc3339(key.expires_at or 0),
        }
        return json_reply(200, {"credentials": credentials, "assumedAgency": {"urn": account.urns[1]}})

    def _issue(self, call: Call, name: str, seconds: float) -> IssuedKey:
        cap = next(account.key_lifetime for account in self._accounts.values() if account.name == name)
        return self._keys.issue(name, call.now, min(seconds, cap))


def _id_token(call: Call) -> str:
    given = dig(call.content, "auth", "id_token", "id") or dig(call.content, "id_token")
    return str(given or call.headers.get("authorization"))


def _token(call: Call) -> str:
    """The token in the body, or else in the header."""
    return str(dig(call.content, "auth", "identity", "token", "id") or call.headers.get("x-auth-token"))


def _duration(asked: object, *, default: int, most: int) -> int:
    if asked is None:
        return default
    if not isinstance(asked, int) or not MIN_SECONDS <= asked <= most:
        raise service_refusal(400, "IAM.0011", "Request parameter duration_seconds is invalid.")
    return asked
