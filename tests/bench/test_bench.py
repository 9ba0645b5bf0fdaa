"""The table of the benchmarks: figures as a reader sees them. How fast anything is, no test holds."""

from __future__ import annotations

import pytest

from bench.table import Figure, Row, at_least, at_most, markdown


@pytest.mark.parametrize(
    ("values", "unit", "text"),
    [
        ((0.0071, 0.0069, 0.0074), "s", "7.1 ms (6.9 to 7.4)"),
        ((12.34,), "s", "12.3 s"),
        ((0.00015, 0.00015), "s", "150 µs"),
        ((25 * 2**20, 26.5 * 2**20, 24 * 2**20), "B", "25 MiB (24 to 26.5)"),
        ((3.55,), "%", "3.55 %"),
        ((200.0, 201.0, 200.0), "", "200 (200 to 201)"),
        ((0.0,), "%", "0 %"),
    ],
)
def test_a_figure_is_the_median_with_its_spread(values: tuple[float, ...], unit: str, text: str) -> None:
    assert str(Figure(values, unit)) == text


def test_a_row_says_how_many_times_as_much_the_other_one_takes_and_whether_the_goal_is_met() -> None:
    compared = Row("a scrape", Figure((0.01,)), Figure((0.6,)), "a library", at_least(25))
    alone = Row("memory", Figure((2**20,), "B"), wanted=at_most(2**19, "B"))

    assert list(markdown([compared, alone])) == [
        "| measured | CSR Exporter | compared with | ratio | wanted |",
        "| --- | --- | --- | --- | --- |",
        "| a scrape | 10 ms | 600 ms, a library | 60 | at least 25: met |",
        "| memory | 1 MiB |  |  | at most 512 KiB: missed |",
    ]
