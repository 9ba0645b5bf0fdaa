"""One request and its reply, or the reason why there is none."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import tenacity
import urllib3
from requests.utils import get_environ_proxies

from csr_exporter import __version__
from csr_exporter.cloud.faults import fault, http_date, refusal
from csr_exporter.cloud.timed import TimedAdapter
from csr_exporter.inventory import RETRIED, Exchange, Reason, Service, SourceError

Signer = Callable[[requests.PreparedRequest], requests.PreparedRequest]
"""Puts the credentials into a request; raises `SourceError` where there are none."""

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes, decompressed. A page of 50 records of the documented lengths has at most 300 kB."""

CONNECT_TIMEOUT = 5.0
ATTEMPTS = 4
LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How to reach the services of one account. Times are in seconds."""

    request_timeout: float = 20.0
    requests_per_second: float = 10.0
    proxy: str | None = None
    ca_file: Path | None = None
    verify: bool = True
    attempts: int = ATTEMPTS
    """How often a request is sent at most, where the fault may pass."""

    def proxies(self, url: str) -> dict[str, str]:
        """The proxies for *url* as `requests` takes them: as configured, else as the environment says."""
        if (urlsplit(url).hostname or "").startswith("169.254."):
            return {}  # the metadata service answers this machine alone, and the keys are nobody else's affair
        return {"all": self.proxy} if self.proxy else get_environ_proxies(url)


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a request that succeeded."""

    headers: Mapping[str, str]
    body: bytes


class Observer(Protocol):
    """Is told of what goes over the wire."""

    def exchanged(self, exchange: Exchange) -> None: ...

    def retried(self, service: Service, reason: Reason) -> None: ...


class _NotSignedError(Exception):
    """There are no credentials to sign with, because of *error*."""

    def __init__(self, error: SourceError) -> None:
        super().__init__(str(error))
        self.error = error


class Transport:
    """Sends the requests of one account, for several threads at a time.

    Within a poll it asks again, as often as *settings* allow, where a fault may pass; what *sleep* is given are
    seconds, and it may return early to say that the process ends.
    """

    def __init__(self, settings: Settings, observer: Observer, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._observer = observer
        self._sleep = sleep
        self._deadline = float("inf")
        self._next_slot = 0.0
        self._slots = threading.Lock()
        self._proxies: dict[str, dict[str, str]] = {}
        self._retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(settings.attempts),
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, SourceError) and error.reason in RETRIED),
            wait=_pause,
            before_sleep=self._before_retry,
            sleep=self._keep_off,
            reraise=True,
        )
        self._session = requests.Session()
        # The environment is asked for a proxy only: a .netrc would add credentials that nobody configured.
        self._session.trust_env = False
        # No cookie is kept: nothing here needs one, and threads that share them would meet half-made ones.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = f"csr-exporter/{__version__}"
        if not settings.verify:
            # It was configured, and is logged once; a warning for each request says no more.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._session.mount("https://", TimedAdapter())
        self._session.mount("http://", TimedAdapter())

    def start(self, seconds: float) -> None:
        """Begin a poll that may last *seconds*."""
        self._deadline = time.monotonic() + seconds

    def send(
        self,
        service: Service,
        request: requests.Request,
        auth: Signer | None = None,
        success: int = 200,
    ) -> Reply:
        """Send *request*, signed anew by *auth* at each attempt. Raises `SourceError` for all but status *success*.

        What *auth* raises ends it: where credentials are asked for, that was tried as often as it may be.
        """
        try:
            return self._retrying(self._attempt, service, request, auth, success)
        except _NotSignedError as error:
            raise error.error from error.error.__cause__

    def _before_retry(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, SourceError):
            return
        if time.monotonic() + (state.upcoming_sleep or 0.0) >= self._deadline:
            raise error
        service: Service = state.args[0]
        self._observer.retried(service, error.reason)

    def _attempt(self, service: Service, request: requests.Request, auth: Signer | None, success: int) -> Reply:
        # Signed first: a renewal of the credentials is a request of its own.
        prepared = self._signed(request, auth)
        self._await_slot()
        timeout = self._time_left()
        started = time.monotonic()
        code, skew = "error", None
        try:
            with self._session.send(prepared, **self._options(prepared, timeout)) as response:
                body = _read(response)
            code, skew = str(response.status_code), _clock_skew(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._explained(fault(error), timeout) from error
        finally:
            self._observer.exchanged(Exchange(service, code, time.monotonic() - started, skew))
        if response.status_code != success:
            raise refusal(response, body, prepared)
        return Reply(response.headers, body)

    def _signed(self, request: requests.Request, auth: Signer | None) -> requests.PreparedRequest:
        request.auth = auth
        try:
            return self._session.prepare_request(request)
        except SourceError as error:
            raise _NotSignedError(error) from error

    def _time_left(self) -> float:
        """Seconds that the next request may take."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise _too_late()
        return min(left, self._settings.request_timeout)

    def _await_slot(self) -> None:
        """Keep to the rate of requests that is allowed, and off while some request waits for its next attempt."""
        with self._slots:
            now = time.monotonic()
            slot = max(now, self._next_slot)
            if slot >= self._deadline:
                raise _too_late()
            self._next_slot = slot + 1 / self._settings.requests_per_second
        if slot > now:
            self._sleep(slot - now)

    def _keep_off(self, seconds: float) -> None:
        """Begin no request for so long, neither the one to be sent again nor any other: one had to wait, so all do."""
        with self._slots:
            self._next_slot = max(self._next_slot, time.monotonic() + seconds)

    def _options(self, prepared: requests.PreparedRequest, timeout: float) -> dict[str, Any]:
        settings = self._settings
        return {
            "timeout": (min(CONNECT_TIMEOUT, timeout), timeout),
            "allow_redirects": False,  # the credentials would travel with it
            "stream": True,
            "proxies": self._proxies_for(prepared.url or ""),
            "verify": str(settings.ca_file) if settings.ca_file and settings.verify else settings.verify,
        }

    def _proxies_for(self, url: str) -> dict[str, str]:
        """The proxies to reach *url* by, found out once for each host, for the answer of the environment costs."""
        host = urlsplit(url).netloc
        if host not in self._proxies:
            self._proxies[host] = self._settings.proxies(url)
        return self._proxies[host]

    def _explained(self, error: SourceError, timeout: float) -> SourceError:
        """*error*, or what is behind it: authorities that cannot be read, or the end of the poll."""
        file = self._settings.ca_file
        if file and self._settings.verify and not _holds_authorities(file):
            return SourceError(Reason.TLS, f"ca_file: {file} cannot be read or holds no certificate in PEM")
        if error.reason is Reason.TIMEOUT and timeout < self._settings.request_timeout:
            return _too_late()
        return error


def _too_late() -> SourceError:
    return SourceError(Reason.DEADLINE, "the poll took longer than poll_timeout")


def _holds_authorities(file: Path) -> bool:
    try:
        ssl.create_default_context(cafile=file)
    except OSError:
        return False
    return True


def _read(response: requests.Response) -> bytes:
    """The body, which is refused as soon as it is too large."""
    body = bytearray()
    while chunk := response.raw.read(64 * 1024, decode_content=True):
        body += chunk
        if len(body) > LARGEST_BODY:
            body.clear()  # the traceback of what is raised would keep it
            raise SourceError(Reason.MALFORMED_REPLY, f"the reply is larger than {LARGEST_BODY} bytes")
    return bytes(body)


def _clock_skew(response: requests.Response) -> float | None:
    date = http_date(response.headers.get("Date", ""))
    return None if date is None else date - time.time()


def _pause(state: tenacity.RetryCallState) -> float:
    """Seconds before the next attempt: as the service asks, else ever longer with jitter."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.pause if isinstance(error, SourceError) else 0.0
    return asked or _BACK_OFF(state)


_BACK_OFF = tenacity.wait_exponential_jitter(initial=1, max=LONGEST_PAUSE)
