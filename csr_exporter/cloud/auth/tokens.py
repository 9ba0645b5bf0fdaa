"""Tokens of IAM: issued elsewhere, or for a user with a password."""

from __future__ import annotations

import json

import requests
from requests import PreparedRequest

from csr_exporter.cloud.auth.contract import PASSWORD_PAUSE, Auth
from csr_exporter.cloud.auth.iam import ask_iam, subject_token
from csr_exporter.cloud.auth.leases import Held, Lease, Leased, moment
from csr_exporter.cloud.auth.secrets import fingerprint, read_text, read_token
from csr_exporter.cloud.transport import Reply, Transport
from csr_exporter.config import PasswordCredentials, Secret

DOCUMENTED_LIFETIME = 86_400.0
"""Seconds that a token lives, for a reply that does not say."""


class TokenAuth(Auth):
    """Sends a token that was issued elsewhere, which is read anew each time so that a change takes effect at once."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["X-Auth-Token"] = read_token(self._token)
        return request

    def fingerprint(self) -> bytes:
        return fingerprint(lambda: (read_token(self._token),))


class PasswordAuth(Auth):
    """Sends a token that IAM issued for a user and password, renewed before it ends.

    Source: "Obtaining a User Token Through Password Authentication".
    """

    pause = PASSWORD_PAUSE

    def __init__(self, credentials: PasswordCredentials, transport: Transport, held: Held[str]) -> None:
        self._credentials = credentials
        self._transport = transport
        self._tokens = Leased(self._issue, self.fingerprint, self.pause, held)

    @property
    def expires_at(self) -> float | None:
        return self._tokens.expires_at

    @property
    def renewals(self) -> int | None:
        return self._tokens.renewals

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["X-Auth-Token"] = self._tokens.current()
        return request

    def renew(self) -> bool:
        self._tokens.drop()
        return True

    def fingerprint(self) -> bytes:
        return fingerprint(lambda: (read_text(self._credentials.password),))

    def _issue(self, now: float) -> Lease[str]:
        address = f"{self._credentials.iam_endpoint}/v3/auth/tokens"
        request = requests.Request("POST", address, params={"nocatalog": "true"}, json=self._question())
        reply = ask_iam(self._transport, request, self.pause)
        return Lease(subject_token(reply), now, moment(_ends(reply), now + DOCUMENTED_LIFETIME))

    def _question(self) -> dict[str, object]:
        given = self._credentials
        user = {
            "name": given.user,
            "password": read_text(given.password),
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


def _ends(reply: Reply) -> object:
    try:
        return json.loads(reply.body)["token"]["expires_at"]
    except (ValueError, TypeError, KeyError):
        return None
