"""An account's API as the exporter has it, made from the configuration of its credentials."""

from __future__ import annotations

from typing import Any

import pytest

from csr_exporter.cloud.auth import Auth, Held, auth_for
from csr_exporter.cloud.client import CsrApi
from csr_exporter.cloud.transport import Settings, Transport
from csr_exporter.inventory import Query, SourceError
from tests.fakes import Wire, a_config


class Client:
    """An account's API with what a test may look at."""

    def __init__(self, url: str, credentials: dict[str, Any], held: Held[Any] | None = None) -> None:
        (account,) = a_config(url, "production", credentials).accounts
        self.wire = Wire()
        transport = Transport(Settings(requests_per_second=1000.0), self.wire, sleep=lambda _: None)
        self.auth: Auth = auth_for(account.credentials, transport, held or Held())
        self.api = CsrApi(url, transport, self.auth)

    def poll(self) -> int | None:
        self.api.start(60)
        return self.api.page(Query()).total

    def fails(self) -> SourceError:
        with pytest.raises(SourceError) as caught:
            self.poll()
        return caught.value
