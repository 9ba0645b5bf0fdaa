"""The metadata service of an ECS: temporary keys of its agency.

At the root it is the ECS of the first account; that of any account is under ``/_simulator/ecs/NAME``. Source: the
official SDK (`MetadataAccessor`), which first asks for a token and does without where there is no such step.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import unquote

from csr_exporter.simulator.account import SimulatedAccount
from csr_exporter.simulator.keys import KeyRing, rfc3339
from csr_exporter.simulator.messages import ApiReply, Call, RefusedError, json_reply

TOKEN_PATH = "/meta-data/latest/api/token"  # noqa: S105 - a path
KEY_PATH = "/openstack/latest/securitykey"
ECS_PATH = "/_simulator/ecs/"
MAX_TTL_SECONDS = 21_600
NO_AGENCY = "Please configure Cloud Service Agency first"


class Metadata:
    """One ECS for each account."""

    def __init__(self, accounts: Mapping[str, SimulatedAccount], keys: KeyRing) -> None:
        self._accounts = accounts
        self._keys = keys
        self._tokens: dict[tuple[str, str], float] = {}

    def claimed(self, call: Call) -> str:
        """Name of the account whose ECS is asked; empty when there is none of that name."""
        if not call.path.startswith(ECS_PATH):
            return next(iter(self._accounts), "")
        name = unquote(call.path.removeprefix(ECS_PATH).split("/")[0])
        return name if name in self._accounts else ""

    def issue_token(self, call: Call) -> ApiReply:
        """A token as text. Raises `RefusedError`: 405 where the ECS has no such step, 400 for a wrong lifetime."""
        account = self._account(call)
        if account.metadata == "plain":
            raise _refusal(405, "Method Not Allowed")
        ttl = call.headers.get("x-metadata-token-ttl-seconds", "")
        if not ttl.isdecimal() or not 0 < int(ttl) <= MAX_TTL_SECONDS:
            raise _refusal(400, "Bad Request")
        token = secrets.token_urlsafe(40)
        self._tokens[account.name, token] = call.now + int(ttl)
        return _text(200, token)

    def security_key(self, call: Call) -> ApiReply:
        """New temporary keys. Raises `RefusedError`, 401 without a valid token, and when no agency is bound."""
        account = self._account(call)
        if account.metadata != "plain" and call.now >= self._valid_until(account, call):
            raise _refusal(401, "Unauthorized")
        if account.metadata == "no_agency":
            raise _refusal(401, NO_AGENCY)
        key = self._keys.issue(account.name, call.now, account.key_lifetime)
        content = {
            "access": key.access,
            "secret": key.secret,
            "securitytoken": key.security_token,
            "expires_at": rfc3339(call.now + account.key_lifetime),
        }
        return json_reply(200, {"credential": content})

    def _account(self, call: Call) -> SimulatedAccount:
        name = self.claimed(call)
        if not name:
            raise _refusal(404, "Not Found")
        return self._accounts[name]

    def _valid_until(self, account: SimulatedAccount, call: Call) -> float:
        return self._tokens.get((account.name, call.headers.get("x-metadata-token", "")), 0)


def _text(status: int, text: str) -> ApiReply:
    return ApiReply(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})


def _refusal(status: int, text: str) -> RefusedError:
    return RefusedError(_text(status, text))
