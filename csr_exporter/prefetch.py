"""Pages that are asked for before they are needed, several at a time.

A service far away answers a few requests a second to whoever waits for each reply, however many it would allow. Who
sends them keeps to the rate.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Self

from csr_exporter.inventory import Page, Query

AT_ONCE = 4
"""Requests of one account that may be under way together: enough for ten a second at 400 ms each."""


class Prefetch:
    """Gives the pages that *page* gives; those expected are asked for meanwhile, until the end of the ``with`` block.

    *page* must bear to be called by `AT_ONCE` threads. These are daemons: a service that hangs holds up no end.
    """

    def __init__(self, page: Callable[[Query], Page]) -> None:
        self._page = page
        self._queue: SimpleQueue[tuple[Query, Future[Page]] | None] = SimpleQueue()
        self._expected: dict[Query, Future[Page]] = {}
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Wait until nothing is under way any more."""
        self.forget()
        for _thread in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def page(self, query: Query) -> Page:
        """The page that *query* asks for, once. Raises what asking for it raised; then nothing more is expected."""
        future = self._expected.pop(query, None)
        if future is None or future.cancel():
            return self._page(query)  # nobody has begun to ask
        try:
            return future.result()
        except Exception:
            self.forget()
            raise

    def expect(self, queries: Iterable[Query]) -> None:
        """Ask for *queries* meanwhile, in their order."""
        for query in queries:
            future: Future[Page] = Future()
            self._expected[query] = future
            self._queue.put((query, future))
        while len(self._threads) < min(AT_ONCE - 1, len(self._expected)):
            thread = threading.Thread(target=self._work, name="prefetch", daemon=True)
            thread.start()
            self._threads.append(thread)

    def forget(self) -> int:
        """Expect nothing any more; how many requests were sent for pages that nobody has asked for."""
        sent = sum(not future.cancel() for future in self._expected.values())
        self._expected.clear()
        return sent

    def _work(self) -> None:
        while (wanted := self._queue.get()) is not None:
            query, future = wanted
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._page(query))
            except Exception as error:  # noqa: BLE001 - raised where the page is needed
                future.set_exception(error)
