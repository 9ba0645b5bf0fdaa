"""An account's API as the exporter has it, made from the configuration of its credentials."""

from __future__ import annotations

import time
from typing import Any

import pytest

from csr_exporter.cloud.auth import Auth, SharedLease, auth_for
from csr_exporter.cloud.client import CsrApi
from csr_exporter.cloud.transport import Transport, TransportSettings
from csr_exporter.inventory import Query, SourceError
from tests.fakes import Wire, a_config


class Clock:
    """The time by which credentials expire and pauses end."""

    def __init__(self) -> None:
        self.time = time.time()

    def __call__(self) -> float:
        return self.time


class Client:
    """An account's API with what a test may look at."""

    def __init__(
        self, url: str, credentials: dict[str, Any], shared: SharedLease | None = None, *, plain_http: bool = False
    ) -> None:
        (account,) = a_config(url, "production", credentials).accounts
        self.wire = Wire()
        self.clock = Clock()
        settings = TransportSettings(requests_per_second=1000.0, plain_http=plain_http, account="production")
        transport = Transport(settings, self.wire, sleep=lambda _: None)
        self.auth: Auth = auth_for(account.credentials, transport, shared or SharedLease(self.clock))
        self.api = CsrApi(url, transport, self.auth)

    def poll(self) -> int | None:
        self.api.start(60)
        return self.api.page(Query()).total

    def fails(self) -> SourceError:
        with pytest.raises(SourceError) as caught:
            self.poll()
        return caught.value
