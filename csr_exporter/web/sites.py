"""From the flags of the command line to the sites that are served."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from csr_exporter.web.config import InForce, WebConfigFile
from csr_exporter.web.middleware import Guard
from csr_exporter.web.routes import Exporter, application, probes
from csr_exporter.web.server import Address, Site, listen


@dataclass(frozen=True, slots=True)
class Web:
    """How the exporter is served."""

    addresses: Sequence[Address]
    probe_address: Address | None = None
    """Where health and readiness are open and plain, whatever the configuration file says."""
    config: WebConfigFile | None = None
    lifecycle: bool = False
    """Whether ``/-/reload`` is there."""
    prefix: str = ""
    """Before all paths: empty, or such as ``/csr``."""


def from_flags(config: WebConfigFile | None, **flags: Any) -> Web:  # noqa: ANN401 - of several types
    """What the flags of `csr_exporter.commands.flags.served` ask for."""
    prefixes = (flags["web_route_prefix"], flags["web_external_url"], "")
    return Web(
        addresses=flags["web_listen_address"],
        probe_address=flags["web_probe_address"],
        config=config,
        lifecycle=flags["web_enable_lifecycle"],
        prefix=next(each for each in prefixes if each is not None),
    )


@contextmanager
def sites_of(exporter: Exporter, web: Web) -> Iterator[Sequence[Site]]:
    """Where *exporter* takes connections as *web* says: its pages first, then its probes. Raises `AddressError`."""
    plain = InForce()
    pages = application(exporter, web.prefix, lifecycle=web.lifecycle)
    guarded = Guard(pages, web.config.in_force if web.config else lambda: plain)
    with ExitStack() as open_sockets:
        listeners = [open_sockets.enter_context(listen(each)) for each in web.addresses]
        sites = [Site(guarded, listeners, web.config.context() if web.config else None)]
        if web.probe_address:
            listener = open_sockets.enter_context(listen(web.probe_address))
            sites.append(Site(Guard(probes(exporter), lambda: plain), [listener]))
        yield sites
