"""From the flags of the command line to the listeners that are served."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from csr_exporter.web.config import WebConfigFile
from csr_exporter.web.exporter import Exporter
from csr_exporter.web.middleware import AccessMiddleware
from csr_exporter.web.routes import application, probes
from csr_exporter.web.server import Address, Listener, listen


@dataclass(frozen=True, slots=True)
class WebOptions:
    """What the flags ``--web.…`` say."""

    addresses: Sequence[Address]
    probe_address: Address | None = None
    """Where health and readiness are plain and open to everyone, whatever the web configuration says."""
    config: WebConfigFile | None = None
    lifecycle: bool = False
    """Whether ``/-/reload`` is enabled."""
    prefix: str = ""
    """The path in front of all routes: empty, or such as ``/csr``."""

    @classmethod
    def from_flags(cls, config: WebConfigFile | None, **flags: Any) -> WebOptions:  # noqa: ANN401 - of several types
        """The flags of `csr_exporter.commands.flags.served`, with *config* read from its file."""
        prefixes = (flags["web_route_prefix"], flags["web_external_url"], "")
        return cls(
            addresses=flags["web_listen_address"],
            probe_address=flags["web_probe_address"],
            config=config,
            lifecycle=flags["web_enable_lifecycle"],
            prefix=next(each for each in prefixes if each is not None),
        )

    def confirming(self, reload: Callable[[], None]) -> Callable[[], None]:
        """*reload*, which also confirms a web configuration that opens access to strangers."""

        def confirm_and_reload() -> None:
            if self.config:
                self.config.confirm()
            reload()

        return confirm_and_reload


@contextmanager
def open_listeners(exporter: Exporter, options: WebOptions) -> Iterator[Sequence[Listener]]:
    """The listener for the pages of *exporter*, then that for its probes if any. Raises `AddressError`."""
    pages = application(exporter, options.prefix, options.confirming(exporter.reload) if options.lifecycle else None)
    with ExitStack() as stack:
        sockets = [stack.enter_context(listen(each)) for each in options.addresses]
        if options.config:
            active = options.config.active
            listeners = [Listener(AccessMiddleware(pages, active), sockets, lambda: active().tls)]
        else:
            listeners = [Listener(AccessMiddleware(pages), sockets)]
        if options.probe_address:
            sockets = [stack.enter_context(listen(options.probe_address))]
            listeners.append(Listener(AccessMiddleware(probes(exporter)), sockets))
        yield listeners
