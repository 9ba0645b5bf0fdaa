"""IAM: ``POST /v3/auth/tokens`` with the password method.

Source: IAM API reference, "Obtaining a User Token Through Password Authentication".
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from csr_exporter.simulator.account import SimulatedAccount
from csr_exporter.simulator.keys import Lockout, Token, Tokens, rfc3339
from csr_exporter.simulator.messages import ApiReply, Call, RefusedError, dig, json_reply, keystone_refusal


class Iam:
    """Issues tokens.

    The reference does not say whether failed API logins count for the login policy of the account; here they do, with
    six in a row locking the user for 15 minutes, the shortest that can be configured.
    """

    def __init__(self, accounts: Iterable[SimulatedAccount], tokens: Tokens) -> None:
        self._accounts = {(account.user, account.domain): account for account in accounts}
        self._tokens = tokens
        self._lockout = Lockout(allowed=5, seconds=900)

    def claimed(self, call: Call) -> str:
        """Name of the account the request claims, without proof; empty when it names none."""
        account = self._accounts.get(_who(call.content))
        return account.name if account else ""

    def issue(self, call: Call) -> ApiReply:
        """Status 201, the token in a header. Raises `RefusedError`: 400 for a malformed request, else 401."""
        content = call.content
        if dig(content, "auth", "identity", "methods") != ["password"]:
            raise keystone_refusal(400, "Bad Request", "Expecting to find method password in identity.")
        account = self._proven(call, content)
        scope = _scope(content, account)
        return _issued(
            self._tokens.issue(account, call.now), account, scope, with_catalog="nocatalog" not in call.query
        )

    def _proven(self, call: Call, content: object) -> SimulatedAccount:
        account = self._accounts.get(_who(content))
        if account is None:
            raise _unauthorized()
        if self._lockout.locked(account.name, call.now):
            raise keystone_refusal(401, "Unauthorized", "The user has been locked because of failed logins.")
        password = str(dig(content, "auth", "identity", "password", "user", "password"))
        if not hmac.compare_digest(password.encode("utf-8", "replace"), account.password.encode()):
            self._lockout.failed(account.name, call.now)
            raise _unauthorized()
        self._lockout.succeeded(account.name)
        return account


def _unauthorized() -> RefusedError:
    return keystone_refusal(401, "Unauthorized", "The username or password is wrong.")


def _who(content: object) -> tuple[str, str]:
    """Name of the user and of the domain the request gives."""
    user = dig(content, "auth", "identity", "password", "user")
    return str(dig(user, "name")), str(dig(user, "domain", "name"))


def _scope(content: object, account: SimulatedAccount) -> dict[str, object]:
    """The scope of the token: the project if one is asked for, else the domain."""
    domain = {"id": account.domain_id, "name": account.domain}
    scope = dig(content, "auth", "scope")
    if (project := dig(scope, "project")) is not None:
        if account.project not in {dig(project, "name"), dig(project, "id")}:
            raise _unauthorized()
        return {"project": {"id": account.project, "name": account.project, "domain": domain}}
    if (wanted := dig(scope, "domain")) is not None and wanted not in ({"id": domain["id"]}, {"name": domain["name"]}):
        raise _unauthorized()
    return {"domain": domain}


def _issued(token: Token, account: SimulatedAccount, scope: dict[str, object], *, with_catalog: bool) -> ApiReply:
    content: dict[str, object] = {
        "expires_at": rfc3339(token.issued_at + account.token_lifetime),
        "issued_at": rfc3339(token.issued_at),
        "methods": ["password"],
        "roles": [{"id": "0", "name": "te_admin"}],
        "user": {
            "domain": {"id": account.domain_id, "name": account.domain},
            "id": account.domain_id[::-1],
            "name": account.user,
            "password_expires_at": "",
        },
        **scope,
    }
    if with_catalog:
        content["catalog"] = [{"endpoints": [], "id": "scm", "name": "scm", "type": "scm"}]
    return json_reply(201, {"token": content}, {"X-Subject-Token": token.value})
