"""Work side by side in threads that hold up no end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreads(Executor):
    """Up to *most* threads, each begun when there is work for it.

    Unlike those of the standard library they are daemons: the process can end while one of them hangs.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        self._work.put((future, partial(fn, *args, **kwargs)))
        if len(self._threads) < self._most:
            thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            thread.start()
            self._threads.append(thread)
        return future

    def shutdown(self, wait: bool = True, **_: bool) -> None:  # noqa: FBT001, FBT002 - as `Executor` has it
        """Let the threads end after all that was submitted and is not cancelled."""
        for _thread in self._threads:
            self._work.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _run(self) -> None:
        while work := self._work.get():
            _complete(*work)
            del work  # lest it be kept until there is other work


def _complete(future: Future[T], call: Callable[[], T]) -> None:
    """Do the work of *future*, unless it was cancelled."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - raised for whoever waits for the result
        future.set_exception(error)
        del future  # the error holds this frame, and it would hold the error
