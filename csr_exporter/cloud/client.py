"""One page of the CSR list: a query in, a `Page` or a `SourceError` out. No other call of the service is ever made."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from urllib.parse import urlencode

import requests

from csr_exporter.cloud.auth import Auth
from csr_exporter.cloud.replies import read_page
from csr_exporter.cloud.transport import HttpResponse, Transport
from csr_exporter.inventory import Page, Query, Reason, Service, SourceError

PATH = "/v3/scm/csr"


class PageCache:
    """Reads replies, and those that are the same as in this poll or the one before only once."""

    def __init__(self) -> None:
        self._before: dict[bytes, Page] = {}
        self._current: dict[bytes, Page] = {}

    def start(self) -> None:
        """Begin a poll: forget what the last one did not see."""
        self._before, self._current = self._current, {}

    def read(self, body: bytes, now: float) -> Page:
        """As `read_page`, and raises what that does."""
        digest = hashlib.blake2b(body, digest_size=16).digest()
        page = self._current.get(digest) or self._before.get(digest) or read_page(body, now)
        if not page.rejected:  # a time that is absurd now may not be later, and flaws are counted at each reading
            self._current[digest] = page
        return page


class CsrApi:
    """Asks the service at *address* for pages, signed with the credential of *auth*; *watch* sees each page."""

    def __init__(
        self,
        address: str,
        transport: Transport,
        auth: Auth,
        watch: Callable[[Page], None] = lambda _: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._url = address + PATH
        self._transport = transport
        self._auth = auth
        self._watch = watch
        self._now = now
        self._renewed = False
        self._pages = PageCache()
        self.fingerprint = auth.fingerprint

    @cached_property
    def _request(self) -> requests.PreparedRequest:
        return self._transport.prepare(requests.Request("GET", self._url))

    @property
    def expires_at(self) -> float | None:
        return self._auth.expires_at

    @property
    def renewals(self) -> int | None:
        return self._auth.renewals

    def start(self, seconds: float) -> None:
        """Begin a poll that may last *seconds*."""
        self._transport.start(seconds)
        self._auth.start()
        self._pages.start()
        self._renewed = False

    def end(self) -> None:
        """End a poll."""
        self._transport.end()

    def page(self, query: Query) -> Page:
        """The page that *query* asks for. Raises `SourceError`."""
        parameters = {
            "limit": query.limit,
            "offset": query.offset,
            "name": query.name,
            "private_key_algo": query.algorithm,
        }
        response = self._ask({name: value for name, value in parameters.items() if value is not None})
        page = self._pages.read(response.body, self._now())
        self._watch(page)
        return page

    def _ask(self, parameters: Mapping[str, object]) -> HttpResponse:
        """Refused, renew, ask again: once a poll, and then not before the pause is over, or the service locks the key.

        What an issuer refuses comes out of `Auth.credential`, with a pause of its own.
        """
        request = self._request.copy()  # to prepare one for each page would take six times as long as to sign it
        request.url = f"{request.url}?{urlencode(parameters)}"
        while True:
            credential = self._auth.credential()
            try:
                return self._transport.send(Service.SCM, request, credential)
            except SourceError as error:
                if error.reason is not Reason.UNAUTHORIZED:
                    raise
                if self._renewed or not self._auth.renew(credential):
                    raise SourceError(error.reason, error.detail, pause=self._auth.pause) from error
                self._renewed = True
