"""Work side by side in daemon threads, which never delay exit."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreads(Executor):
    """Up to *most* threads, each started when there is work for it and gone when there is none.

    Those of the standard library are joined at exit, so one that hangs would keep the process from ending.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._lock = threading.Lock()  # a thread must not end just as work is queued for it
        self._queue: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._running = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            self._queue.append((future, partial(fn, *args, **kwargs)))
            if self._running == self._most:
                return future
            self._running += 1
        threading.Thread(target=self._work, name=self._name, daemon=True).start()
        return future

    def _work(self) -> None:
        while work := self._next():
            _complete(*work)

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self._lock:
            if self._queue:
                return self._queue.popleft()
            self._running -= 1
            return None


def _complete(future: Future[T], call: Callable[[], T]) -> None:
    """Do the work of *future*, unless it was cancelled."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - raised for whoever waits for the result
        future.set_exception(error)
        del future  # the error's traceback holds this frame: a cycle that only the garbage collector would break
