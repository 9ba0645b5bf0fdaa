"""One request and its response, or the reason why there is none."""

from __future__ import annotations

import random
import ssl
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import urllib3
from requests.utils import default_headers, get_auth_from_url, get_environ_proxies, select_proxy
from urllib3.util import make_headers

from csr_exporter import __version__
from csr_exporter.cloud.faults import fault, http_date, refusal
from csr_exporter.cloud.timed import TimedAdapter
from csr_exporter.config import proxy_address
from csr_exporter.inventory import RETRIED, Exchange, Reason, Service, SourceError

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes, decompressed. A page of 50 records of the documented lengths has at most 300 kB."""

MOST_SECRETS = 32
"""Those an account had last, old tokens included, that no error shows."""

SECRET_HEADERS = {"authorization", "x-auth-token", "x-security-token", "x-metadata-token"}

ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """How to reach the services of one account. Times are in seconds."""

    request_timeout: float = 20.0
    requests_per_second: float = 10.0
    proxy: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    verify: bool = True
    plain_http: bool = False
    account: str = field(default="", compare=False)
    """For the log alone: accounts that are reached alike may share what is issued to them."""
    attempts: int = ATTEMPTS
    """How often a request is sent at most, where the fault may pass."""

    def proxies(self, url: str) -> dict[str, str]:
        """The proxy for *url* as `requests` takes it: as configured, else as the environment says.

        Raises `SourceError`.
        """
        if (urlsplit(url).hostname or "").startswith("169.254."):
            return {}  # the metadata service answers this machine alone, and the keys are nobody else's affair
        proxy = self.proxy or select_proxy(url, get_environ_proxies(url))
        if not proxy:
            return {}
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        try:
            return {"all": proxy_address(proxy)}
        except ValueError as error:
            raise SourceError(Reason.UNREACHABLE, f"HTTPS_PROXY, HTTP_PROXY or ALL_PROXY: {error}") from None


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """The response to a request that succeeded."""

    headers: Mapping[str, str]
    body: bytes


class Signer(Protocol):
    """Signs requests with its *secrets*."""

    @property
    def secrets(self) -> Iterable[str]: ...

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest: ...


class Observer(Protocol):
    """Is told of what goes over the wire."""

    def exchanged(self, exchange: Exchange) -> None: ...

    def retried(self, service: Service, reason: Reason) -> None: ...


class Transport:
    """Sends the requests of one account, one after the other.

    *sleep* is given seconds, and may return early when the process ends; *now* is compared with the service's clock.
    """

    def __init__(
        self,
        settings: TransportSettings,
        observer: Observer,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self._observer = observer
        self._sleep = sleep
        self._now = now
        self._deadline = float("inf")
        self._next_slot = 0.0
        self._secrets: deque[str] = deque(maxlen=MOST_SECRETS)
        self._proxies = cache(settings.proxies)  # to look at the environment costs as much as to sign
        # No session: it would add .netrc and cookies, and follow redirects, with which credentials would travel.
        self._adapter = TimedAdapter()
        self._headers = {**default_headers(), "User-Agent": f"csr-exporter/{__version__}"}
        if not settings.verify:
            # It was configured, and is logged once; a warning for each request says no more.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def start(self, seconds: float) -> None:
        """Begin a poll that may last *seconds*."""
        self._deadline = time.monotonic() + seconds

    def end(self) -> None:
        """End a poll and close its connections: a NAT forgets those that idle, and the next poll would wait for it."""
        self._adapter.close()

    def prepare(self, request: requests.Request) -> requests.PreparedRequest:
        """*request* with our headers, ready to be sent again and again."""
        request.headers = {**self._headers, **request.headers}
        return request.prepare()

    def send(
        self,
        service: Service,
        request: requests.PreparedRequest,
        sign: Signer | None = None,
        success: int = 200,
        secrets: Iterable[str] = (),
    ) -> HttpResponse:
        """Send *request*, again where the fault may pass, signed anew each time.

        Raises `SourceError` for all but status *success*, and never shows *secrets*, whoever echoes them from now on.
        """
        proxies = self._proxies("{0.scheme}://{0.netloc}".format(urlsplit(str(request.url))))
        self._remember(*secrets, *(sign.secrets if sign else ()), *_secret_headers(request.headers))
        for proxy in proxies.values():
            self._remember(*_proxy_secrets(proxy))
        attempt = 1
        while True:
            try:
                return self._attempt(service, request, sign, proxies, success)
            except SourceError as error:
                pause = error.pause or _back_off(attempt)
                in_time = time.monotonic() + pause < self._deadline
                if error.reason not in RETRIED or attempt >= self.settings.attempts or not in_time:
                    raise
                self._observer.retried(service, error.reason)
            attempt += 1
            self._sleep(pause)

    def _remember(self, *secrets: str) -> None:
        self._secrets.extend(each for each in secrets if each not in self._secrets)

    def _attempt(
        self,
        service: Service,
        request: requests.PreparedRequest,
        sign: Signer | None,
        proxies: dict[str, str],
        success: int,
    ) -> HttpResponse:
        self._await_slot()
        prepared = sign(request.copy()) if sign else request
        timeout = self._time_left()
        started = time.monotonic()
        code, skew = "error", None
        try:
            with self._adapter.send(prepared, proxies=proxies, **self._options(timeout)) as response:
                body = _read(response)
            code, skew = str(response.status_code), self._clock_skew(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._explained(error, timeout) from error
        finally:
            self._observer.exchanged(Exchange(service, code, time.monotonic() - started, skew))
        if response.status_code != success:
            raise refusal(response, body, (*self._secrets, *_secret_headers(prepared.headers)), self._now())
        return HttpResponse(response.headers, body)

    def _time_left(self) -> float:
        """Seconds that the next request may take."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise _too_late()
        return min(left, self.settings.request_timeout)

    def _await_slot(self) -> None:
        """Keep to the rate of requests that is allowed."""
        now = time.monotonic()
        slot = max(now, self._next_slot)
        if slot >= self._deadline:
            raise _too_late()
        self._next_slot = slot + 1 / self.settings.requests_per_second
        if slot > now:
            self._sleep(slot - now)

    def _options(self, timeout: float) -> dict[str, Any]:
        settings = self.settings
        return {
            "timeout": urllib3.Timeout(total=timeout),
            "stream": True,
            "verify": str(settings.ca_file) if settings.ca_file and settings.verify else settings.verify,
        }

    def _clock_skew(self, response: requests.Response) -> float | None:
        date = http_date(response.headers.get("Date", ""))
        return None if date is None else date - self._now()

    def _explained(self, raised: Exception, timeout: float) -> SourceError:
        """What *raised* means, or what is behind it: authorities that cannot be read, or the end of the poll."""
        error = fault(raised, self._secrets)
        _clear_frames(raised)
        file = self.settings.ca_file
        if file and self.settings.verify and not _holds_authorities(file):
            return SourceError(Reason.TLS, f"ca_file: {file} cannot be read or holds no certificate in PEM")
        if error.reason is Reason.TIMEOUT and timeout < self.settings.request_timeout:
            return _too_late()
        return error


def _clear_frames(error: BaseException | None) -> None:
    """Forget the variables of the calls that *error* ended: in urllib3's is a circle, which would hold a whole poll."""
    while error:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def _secret_headers(headers: Mapping[str, str]) -> Iterator[str]:
    return (str(value) for name, value in headers.items() if name.lower() in SECRET_HEADERS)


def _proxy_secrets(address: str) -> Iterator[str]:
    """The password in the *address* of a proxy, and what stands for it in a header."""
    user, password = get_auth_from_url(address)
    if user:
        yield password
        yield make_headers(proxy_basic_auth=f"{user}:{password}")["proxy-authorization"].removeprefix("Basic ")


def _back_off(attempt: int) -> float:
    """Seconds before the next attempt, where the service does not say: ever more, with jitter."""
    return 2.0 ** (attempt - 1) + random.random()  # noqa: S311 - no secret


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
