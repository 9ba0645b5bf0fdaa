"""One page of the CSR list: a query in, a `Page` or a `SourceError` out. No other call of the service is ever made."""

from __future__ import annotations

import threading
import time
from typing import Protocol

import requests
from requests import PreparedRequest

from csr_exporter.cloud.replies import read_page
from csr_exporter.cloud.transport import Reply, Transport
from csr_exporter.inventory import Page, Query, Reason, Service, SourceError

PATH = "/v3/scm/csr"

_REFUSALS = frozenset({Reason.UNAUTHORIZED, Reason.FORBIDDEN})
"""What SCM, and IAM too, answers to credentials that it does not take."""


class Authenticator(Protocol):
    """Signs requests. *pause* is how many seconds to wait after a refusal that renewing does not cure."""

    pause: float

    def __call__(self, request: PreparedRequest) -> PreparedRequest: ...

    def renew(self) -> bool:
        """Forget what was refused; whether there may be something newer to try."""


class CsrApi:
    """Asks the service at *address* for pages, for several threads at a time."""

    def __init__(self, address: str, transport: Transport, auth: Authenticator) -> None:
        self._url = address + PATH
        self._transport = transport
        self._auth = auth
        self._renewed: bool | None = None
        self._renewing = threading.Lock()

    def start(self, seconds: float) -> None:
        """Begin a poll that may last *seconds*."""
        self._transport.start(seconds)
        self._renewed = None

    def page(self, query: Query) -> Page:
        """The page that *query* asks for. Raises `SourceError`."""
        renewed = self._renewed
        try:
            reply = self._ask(query)
        except SourceError as error:
            if not _refused_by_scm(error):
                raise
            reply = self._ask_again(query, error, renewed=renewed)
        return read_page(reply.body, time.time())

    def _ask(self, query: Query) -> Reply:
        parameters = {
            "limit": query.limit,
            "offset": query.offset,
            "name": query.name,
            "private_key_algo": query.algorithm,
        }
        return self._transport.send(Service.SCM, requests.Request("GET", self._url, params=parameters), self._auth)

    def _ask_again(self, query: Query, error: SourceError, *, renewed: bool | None) -> Reply:
        """Ask with renewed credentials if there are any, else say how long not to."""
        with self._renewing:  # one after the other: where the first is refused again, the rest is not sent
            try:
                if self._has_others(renewed=renewed):
                    return self._ask(query)
            except SourceError as second:
                error = second
                if error.reason in _REFUSALS:
                    self._renewed = False
        if _refused_by_scm(error):
            raise SourceError(error.reason, error.detail, pause=self._auth.pause)
        raise error

    def _has_others(self, *, renewed: bool | None) -> bool:
        """Whether there are other credentials than those refused, which had been *renewed* before in this poll.

        They are renewed at most once in a poll, or the service would lock them.
        """
        if self._renewed is None:
            self._renewed = self._auth.renew()
            return self._renewed
        return renewed is None and self._renewed


def _refused_by_scm(error: SourceError) -> bool:
    """Whether the credentials were refused; a refusal by IAM comes with a pause of its own."""
    return error.reason is Reason.UNAUTHORIZED and not error.pause
