"""A client of the simulator for its own tests, which signs as the official SDK does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import requests
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.fakes import NOW


class Clock:
    """A clock that only moves when *now* is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Client:
    """Sends requests to a simulator, authenticated by the token or the signature of one account."""

    def __init__(self, simulator: Simulator, account: SimulatedAccount, session: requests.Session) -> None:
        self.simulator = simulator
        self.account = account
        self._session = session

    def send(self, method: str, target: str, **options: Any) -> requests.Response:  # noqa: ANN401 - as requests
        return self._session.request(method, self.simulator.url + target, timeout=10, allow_redirects=False, **options)

    def get(self, query: str = "", token: str | None = None) -> requests.Response:
        headers = {"X-Auth-Token": self.account.token if token is None else token}
        return self.send("GET", f"/v3/scm/csr{query}", headers=headers)

    def page(self, query: str = "") -> tuple[list[str], int]:
        """Ids of the page, and the total."""
        content = self.get(query).json()
        return [record["id"] for record in content["csr_list"]], content["total"]

    def signed(self, *query: tuple[str, str], at: float = NOW, **changed: str) -> SdkRequest:
        """What the official SDK would send; *changed* is the key pair or the security token."""
        moment = datetime.fromtimestamp(at, UTC)
        headers = {"X-Sdk-Date": f"{moment:%Y%m%dT%H%M%SZ}", "Content-Type": "application/json"}
        if token := changed.get("security_token", self.account.security_token):
            headers["X-Security-Token"] = token
        host = self.simulator.url.removeprefix("http://")
        request = SdkRequest("GET", "http", host, "/v3/scm/csr", None, list(query), headers, "")
        pair = {"ak": self.account.access_key, "sk": self.account.secret_key} | changed
        signed: SdkRequest = Signer(SimpleNamespace(**pair)).sign(request)
        return signed

    def send_signed(self, request: SdkRequest) -> requests.Response:
        return self.send(request.method, request.uri, headers=request.header_params, data=request.body)

    def log_in(self, *, scope: Mapping[str, object] | None = None, **changed: str) -> requests.Response:
        who = {"name": self.account.user, "password": self.account.password} | changed
        identity = {"methods": ["password"], "password": {"user": who | {"domain": {"name": self.account.domain}}}}
        auth = {"identity": identity, "scope": scope or {"project": {"name": self.account.project}}}
        return self.send("POST", "/v3/auth/tokens?nocatalog=true", json={"auth": auth})
