"""Globs match as their definition says, in time linear in the text."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csr_exporter.policy import Glob

patterns = st.text(st.sampled_from("ab*?."), max_size=9)
texts = st.text(st.sampled_from("ab."), max_size=9)


@given(patterns, texts)
def test_a_glob_matches_what_the_standard_library_matches(pattern: str, text: str) -> None:
    assert Glob.of(pattern).matches(text) == fnmatchcase(text, pattern)


@pytest.mark.parametrize("pattern", ["PAY-*", "*.Example.com", "straße?", "*ç*"])
def test_the_case_of_a_pattern_does_not_matter(pattern: str) -> None:
    text = pattern.replace("*", "x").replace("?", "y").casefold()

    assert Glob.of(pattern).matches(text)


def test_brackets_and_backslashes_are_themselves() -> None:
    assert Glob.of("[a]*\\").matches("[a]b\\")
    assert not Glob.of("[a]").matches("a")


@pytest.mark.parametrize(
    "pattern", ["*" + "a" * 9998 + "b*", "*" + "?a" * 4998 + "b*", "*?a" * 3333 + "*b*", "*a" * 5000 + "b"]
)
def test_a_pattern_of_10_kb_takes_a_moment_even_where_it_nearly_matches_everywhere(pattern: str) -> None:
    """Going back to the last star, as the classic algorithm does, would take a hundred million steps."""
    text, glob = "a" * 20_000, Glob.of(pattern)
    started = time.process_time()

    assert not glob.matches(text)

    assert time.process_time() - started < 1.0
