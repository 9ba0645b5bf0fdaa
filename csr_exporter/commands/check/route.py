"""The way to a service: whose name is resolved, who is connected to, and who is spoken to in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from requests.utils import get_auth_from_url
from urllib3.util import make_headers

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Peer:
    """A host and port, and whether it is spoken to under TLS."""

    host: str
    port: int
    secure: bool

    @classmethod
    def of(cls, address: str) -> Peer:
        """The peer at *address*, whose port may be left out."""
        parts = urlsplit(address)
        return cls(parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0), parts.scheme == "https")

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy on the way, and the header that it knows us by."""

    scheme: str
    peer: Peer
    headers: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Route:
    """How to get to the *service*: straight, or through a *proxy*."""

    service: Peer
    proxy: Proxy | None = None

    @classmethod
    def of(cls, address: str, proxy: str | None) -> Route:
        """The way to *address*, through *proxy* if there is one, which may have a user and password."""
        service = Peer.of(address)
        if proxy is None:
            return cls(service)
        url = proxy if "://" in proxy else f"http://{proxy}"  # as requests takes it
        user, password = get_auth_from_url(url)
        headers = make_headers(proxy_basic_auth=f"{user}:{password}") if user else {}
        return cls(service, Proxy(urlsplit(url).scheme, Peer.of(url), headers))

    @property
    def first(self) -> Peer:
        """Whose name is resolved, and who is connected to."""
        return self.proxy.peer if self.proxy else self.service
