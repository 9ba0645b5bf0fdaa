"""Pages asked for before they are needed: side by side, each once, and none after something went wrong."""

from __future__ import annotations

import contextlib
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from csr_exporter.inventory import Page, Query, Reason, SourceError
from csr_exporter.prefetch import AT_ONCE, Prefetch
from tests.processes import DEADLINE, until

FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH = (Query(offset=offset) for offset in range(6))
FAULT = SourceError(Reason.FORBIDDEN, "HTTP 403")


class Traced(Page):
    """A page that can be looked for after its end."""


def a_page(query: Query) -> Page:
    """A page that tells which one it is."""
    return Page((), total=query.offset, entries=0)


class Service:
    """Remembers what it was asked, and keeps back the reply to each query in *slow* until told to `answer`."""

    def __init__(self, *slow: Query) -> None:
        self.asked: list[Query] = []
        self.begun = threading.Semaphore(0)
        self._slow = slow
        self._answered = threading.Event()

    def __call__(self, query: Query) -> Page:
        self.asked.append(query)
        self.begun.release()
        if query in self._slow:
            assert self._answered.wait(DEADLINE)
        return a_page(query)

    def wait_for(self, requests: int) -> None:
        assert all(self.begun.acquire(timeout=DEADLINE) for _ in range(requests))

    def answer(self) -> None:
        self._answered.set()


@contextmanager
def ahead(page: Callable[[Query], Page], *queries: Query) -> Iterator[Prefetch]:
    with Prefetch(page) as prefetch:
        prefetch.expect(queries)
        yield prefetch


def test_expected_pages_are_asked_for_side_by_side() -> None:
    together = threading.Barrier(AT_ONCE, timeout=DEADLINE)

    def page(query: Query) -> Page:
        together.wait()
        return a_page(query)

    with ahead(page, SECOND, THIRD, FOURTH) as prefetch:
        assert prefetch.page(FIRST) == a_page(FIRST)
        assert [prefetch.page(each).total for each in (SECOND, THIRD, FOURTH)] == [1, 2, 3]


def test_no_more_are_under_way_than_may_be() -> None:
    service = Service(FIRST, SECOND, THIRD, FOURTH, FIFTH)

    with ahead(service, FIRST, SECOND, THIRD, FOURTH, FIFTH) as prefetch:
        service.wait_for(AT_ONCE - 1)  # the last is for whoever waits for a page
        sent = prefetch.forget()
        service.answer()

    assert sent == len(service.asked) == AT_ONCE - 1


def test_an_expected_page_is_asked_for_once() -> None:
    service = Service()

    with ahead(service, FIRST, SECOND) as prefetch:
        prefetch.page(FIRST)
        prefetch.page(SECOND)
        assert prefetch.forget() == 0

    assert sorted(query.offset for query in service.asked) == [0, 1]


def test_what_was_given_is_asked_for_anew_the_next_time() -> None:
    service = Service()

    with ahead(service, FIRST) as prefetch:
        prefetch.page(FIRST)
        prefetch.page(FIRST)

    assert service.asked == [FIRST, FIRST]


def test_a_page_that_nobody_has_begun_to_ask_for_is_not_waited_for() -> None:
    busy = (FIRST, SECOND, THIRD)
    service = Service(*busy)

    with ahead(service, *busy, FOURTH) as prefetch:
        service.wait_for(len(busy))
        assert prefetch.page(FOURTH) == a_page(FOURTH)
        service.answer()


def test_what_is_forgotten_before_it_is_begun_is_never_asked_for() -> None:
    busy = (FIRST, SECOND, THIRD)
    service = Service(*busy)

    with ahead(service, *busy, FOURTH, FIFTH) as prefetch:
        service.wait_for(len(busy))
        assert prefetch.forget() == len(busy)
        service.answer()

    assert sorted(query.offset for query in service.asked) == [0, 1, 2]


def test_a_fault_comes_up_where_its_page_is_needed() -> None:
    def page(query: Query) -> Page:
        if query == THIRD:
            raise FAULT
        return a_page(query)

    with ahead(page, SECOND, THIRD) as prefetch:
        assert prefetch.page(SECOND) == a_page(SECOND)
        with pytest.raises(SourceError) as caught:
            prefetch.page(THIRD)
        assert caught.value is FAULT


def test_after_a_fault_none_is_begun_even_while_a_page_before_it_is_waited_for() -> None:
    service = Service(SECOND)
    failing = threading.Semaphore(0)

    def page(query: Query) -> Page:
        service(query)
        if query != SECOND:
            failing.acquire()  # until all that may be begun are
            raise FAULT
        return a_page(query)

    with ahead(page, SECOND, THIRD, FOURTH, FIFTH, SIXTH) as prefetch:
        service.wait_for(AT_ONCE - 1)
        failing.release(AT_ONCE)
        with pytest.raises(SourceError):
            prefetch.page(THIRD)
        until(prefetch._expected[SIXTH].cancelled)  # noqa: SLF001 - which the thread that failed does a moment later
        service.answer()
        assert prefetch.page(SECOND) == a_page(SECOND)
        assert prefetch.forget() == len(service.asked) - 2

    assert sorted(query.offset for query in service.asked) == [1, 2, 3]


def test_nothing_is_under_way_any_more_at_the_end() -> None:
    with ahead(Service(), FIRST, SECOND, THIRD) as prefetch:
        prefetch.page(FIRST)

    assert not any(thread.name == "prefetch" for thread in threading.enumerate())


@pytest.mark.parametrize("fault", [None, FAULT])
def test_no_page_is_kept_when_the_reading_is_over(fault: SourceError | None) -> None:
    pages: list[weakref.ref[Traced]] = []

    def page(query: Query) -> Page:
        if fault and query == THIRD:
            raise SourceError(fault.reason, fault.detail)
        made = Traced((), total=query.offset, entries=0)
        pages.append(weakref.ref(made))
        return made

    gc.collect()
    gc.disable()  # what is kept in a circle waits for it, megabytes of pages in a busy process
    try:
        with contextlib.suppress(SourceError), ahead(page, FIRST, SECOND, THIRD, FOURTH) as prefetch:
            for query in (FIRST, SECOND, THIRD):
                prefetch.page(query)
            prefetch.forget()
        del prefetch
        assert pages
        assert [ref() for ref in pages if ref()] == []
    finally:
        gc.enable()
