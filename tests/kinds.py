"""Credentials of every kind for a simulated account, with the files and variables that they need in their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.fakes import aksk, password, token

FEDERATED = ("federated-profile", "federated-environment")
BY_ID_TOKEN = (*FEDERATED, "oidc", "pod_identity")
LENT = ("metadata", *BY_ID_TOKEN)
KINDS = (*FEDERATED, "aksk", "temporary", "password", "token", "metadata", "profile", "environment", *BY_ID_TOKEN[2:])
"""Those that are federated first: what they find they keep, and the variables are the others' from then on."""


def account_of(kind: str, name: str = "", **changes: Any) -> SimulatedAccount:  # noqa: ANN401 - as `SimulatedAccount`
    """A simulated account that is asked with credentials of *kind*, and named after them unless it has a *name*."""
    return SimulatedAccount(name or kind, security_token="temporary" if kind == "temporary" else None, **changes)


def credentials_of(
    kind: str, account: SimulatedAccount, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Credentials of *kind* as a configuration has them; an id token is in the file ``id-token`` in *home*."""
    home.mkdir(exist_ok=True)
    id_token = home / "id-token"
    id_token.write_text(f"{account.id_token}\n", encoding="utf-8")
    for service in ("IAM", "STS"):
        monkeypatch.setenv(f"HUAWEICLOUD_SDK_{service}_ENDPOINT", simulator.url)
    monkeypatch.setenv("HC_CONTAINER_CREDENTIALS_FULL_URI", f"{simulator.url}/v1/credentials")
    match kind:
        case "metadata":
            return {"kind": "metadata", "metadata_endpoint": simulator.metadata_url(account.name)}
        case "password":
            return password(account, simulator.url)
        case "token":
            return token(account)
        case "temporary":
            return {**aksk(account), "security_token": account.security_token}
        case "aksk":
            return aksk(account)
        case _:
            _put_in_place(kind, account, id_token, monkeypatch)
            return {"kind": kind.removeprefix("federated-")}


def _put_in_place(kind: str, account: SimulatedAccount, id_token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    federated = {"idp_id": account.idp_id, "id_token_file": str(id_token)}
    match kind:
        case "profile":
            _write_profile(id_token.parent, monkeypatch, ak=account.access_key, sk=account.secret_key)
        case "federated-profile":
            _write_profile(id_token.parent, monkeypatch, **federated)
        case "environment":
            for name in federated:
                monkeypatch.delenv(f"HUAWEICLOUD_SDK_{name.upper()}", raising=False)
            monkeypatch.setenv("HUAWEICLOUD_SDK_AK", account.access_key)
            monkeypatch.setenv("HUAWEICLOUD_SDK_SK", account.secret_key)
        case "federated-environment":
            for name, value in federated.items():
                monkeypatch.setenv(f"HUAWEICLOUD_SDK_{name.upper()}", value)
        case "pod_identity":
            monkeypatch.setenv("HC_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(id_token))
        case _:
            provider, agency = account.urns
            monkeypatch.setenv("HUAWEICLOUD_OIDC_PROVIDER_URN", provider)
            monkeypatch.setenv("HUAWEICLOUD_OIDC_AGENCY_URN", agency)
            monkeypatch.setenv("HUAWEICLOUD_OIDC_TOKEN_FILE", str(id_token))


def _write_profile(home: Path, monkeypatch: pytest.MonkeyPatch, **entries: str) -> None:
    file = home / "credentials"
    file.write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items()), encoding="utf-8")
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(file))
