"""Looking globs up finds the same selectors as trying each of them."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from csr_exporter.policy import Glob, Selector
from csr_exporter.policy.rules import Texts
from csr_exporter.policy.selecting import Selectors, bits

patterns = st.text(st.sampled_from("ab*?."), max_size=7)
texts = st.text(st.sampled_from("ab."), max_size=7)
globs = st.lists(patterns.map(Glob.of), max_size=4).map(tuple)
selectors = st.builds(Selector, names=globs, domains=globs, ids=globs)


def selects(selector: Selector, csr: Texts) -> bool:
    kinds = ((selector.names, [csr.name]), (selector.domains, csr.domains), (selector.ids, [csr.id]))
    return all(any(glob.matches(text) for glob in those for text in given) for those, given in kinds if those)


@given(st.lists(selectors, max_size=5), st.builds(Texts, texts, texts, st.lists(texts, max_size=3).map(tuple)))
def test_those_are_found_whose_globs_match(several: list[Selector], csr: Texts) -> None:
    found = Selectors(several).selecting(csr)

    assert [*bits(found)] == [place for place, each in enumerate(several) if selects(each, csr)]


def test_hundreds_of_globs_take_no_longer_than_one_if_their_star_is_at_an_end() -> None:
    def seconds(number: int) -> float:
        made = Selectors(
            [Selector(names=(Glob.of(f"team-{each:03}-*"), Glob.of(f"*-{each:03}"))) for each in range(number)]
        )
        csr = Texts("1", "team-099-shop", ())
        started = time.process_time()
        for _ in range(2_000):
            made.selecting(csr)
        return time.process_time() - started

    assert min(seconds(500) for _ in range(3)) < 5 * min(seconds(1) for _ in range(3))


def test_globs_of_10_kb_take_a_moment_for_10000_names_that_nearly_match() -> None:
    hostile = (
        "*" + "a" * 9998 + "b*",
        "*?a" * 3333 + "*b*",
        "*a" * 5000 + "b",
        "?" * 9999 + "b",
        "*" + "a?" * 64 + "b*",
    )
    made = Selectors([Selector(names=(Glob.of(each),)) for each in hostile])
    csr = Texts("1", "a" * 256, ())
    started = time.process_time()

    found = {made.selecting(csr) for _ in range(10_000)}

    assert found == {0}
    assert time.process_time() - started < 3.0
