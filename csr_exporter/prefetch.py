"""Pages that are asked for before they are needed, several at a time.

A service far away answers a few requests a second to whoever waits for each reply, however many it would allow. Who
sends them keeps to the rate.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Self

from csr_exporter.inventory import Page, Query
from csr_exporter.threads import DaemonThreads

AT_ONCE = 4
"""Requests of one account that may be under way together: enough for ten a second at 400 ms each."""


class Prefetch:
    """Gives the pages that *page* gives; those expected are asked for meanwhile, until the end of the ``with`` block.

    *page* must bear to be called by `AT_ONCE` threads.
    """

    def __init__(self, page: Callable[[Query], Page]) -> None:
        self._page = page
        self._threads = DaemonThreads(AT_ONCE - 1, "prefetch")
        self._expected: dict[Query, Future[Page]] = {}
        self._changing = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Wait until nothing is under way any more."""
        self.forget()
        self._threads.shutdown()

    def page(self, query: Query) -> Page:
        """The page that *query* asks for, once. Raises what asking for it raised."""
        with self._changing:
            future = self._expected.pop(query, None)
        if future is None or future.cancel():
            return self._page(query)  # nobody has begun to ask
        try:
            return future.result()
        finally:
            del future  # what is raised holds this frame, and it holds what is raised

    def expect(self, queries: Iterable[Query]) -> None:
        """Ask for *queries* meanwhile, in their order, until one fails: a key that is refused often is locked."""
        with self._changing:
            for query in queries:
                self._expected[query] = self._threads.submit(self._ask, query)

    def forget(self) -> int:
        """Expect nothing any more; how many requests were sent for pages that nobody has asked for."""
        with self._changing:
            sent = sum(not future.cancel() for future in self._expected.values())
            self._expected.clear()
        return sent

    def _ask(self, query: Query) -> Page:
        """The page that *query* asks for; where that fails, no other is begun."""
        try:
            return self._page(query)
        except Exception:
            with self._changing:
                for future in self._expected.values():
                    future.cancel()
            raise
