"""Authentication by the API gateway in front of SCM."""

from __future__ import annotations

import hmac

from csr_exporter.simulator.keys import IssuedKey, KeyRing, Lockout, Tokens, rfc3339
from csr_exporter.simulator.messages import Call, RefusedError, gateway_refusal
from csr_exporter.simulator.signature import Authorization, SignatureError, read_authorization, verify

LOCKED = "AK access failed to reach the limit,forbidden"


class CallAuthenticator:
    """Finds the account of a request by its token or its signature. One endpoint serves all accounts."""

    def __init__(self, keys: KeyRing, tokens: Tokens) -> None:
        self._keys = keys
        self._tokens = tokens
        self._lockout = Lockout(allowed=5, seconds=300)

    def claimed(self, call: Call) -> str:
        """Name of the account the request claims, without proof; empty when it names none."""
        if "x-auth-token" in call.headers:
            token = self._tokens.find(call.headers["x-auth-token"])
            return token.account if token else ""
        try:
            key = self._keys.find(read_authorization(call.headers.get("authorization", "")).access_key)
        except SignatureError:
            return ""
        return key.account if key else ""

    def authenticate(self, call: Call) -> str:
        """Name of the account the request proved. Raises `RefusedError`, always 401 APIGW.0301."""
        if "x-auth-token" in call.headers:
            return self._by_token(call)
        if "authorization" not in call.headers:
            raise _refusal(call, "x-auth-token not found")
        try:
            authorization = read_authorization(call.headers["authorization"])
        except SignatureError as error:
            raise _refusal(call, str(error)) from None
        return self._by_signature(call, authorization)

    def _by_token(self, call: Call) -> str:
        token = self._tokens.find(call.headers["x-auth-token"])
        if token is None:
            raise _refusal(call, "decrypt token fail")
        if token.expires_at is not None and token.expired(call.now):
            raise _refusal(call, f"token expires, expires_at {rfc3339(token.expires_at)}")
        if not token.scoped:
            raise _refusal(call, "token has no scope")
        return token.account

    def _by_signature(self, call: Call, authorization: Authorization) -> str:
        access = authorization.access_key
        if self._lockout.locked(access, call.now):
            raise _refusal(call, LOCKED)
        try:
            key = self._proven(call, authorization)
        except SignatureError as error:
            self._lockout.failed(access, call.now)
            raise _refusal(call, str(error)) from None
        self._lockout.succeeded(access)
        return key.account

    def _proven(self, call: Call, authorization: Authorization) -> IssuedKey:
        key = self._keys.find(authorization.access_key)
        if key is None:
            raise SignatureError("Get secretKey failed, ak not exist")
        verify(call, authorization, key.secret)
        _check_temporary(call, key)
        return key


def _check_temporary(call: Call, key: IssuedKey) -> None:
    """A temporary key needs its security token too, and ends."""
    presented = call.headers.get("x-security-token", "").encode("latin-1")
    if key.security_token is not None and not hmac.compare_digest(presented, key.security_token.encode()):
        raise SignatureError("decrypt security token fail")
    if key.expires_at is not None and call.now >= key.expires_at:
        raise SignatureError("security token expires")


def _refusal(call: Call, detail: str) -> RefusedError:
    return gateway_refusal(call, 401, "APIGW.0301", f"Incorrect IAM authentication information: {detail}")
