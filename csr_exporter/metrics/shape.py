"""What the families have in common: one sample for each account, unless its value is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

T = TypeVar("T")
Named = tuple[str, T]
"""A value with the name of its account."""


def gauge(name: str, text: str, of: Iterable[Named[T]], value: Callable[[T], float | None]) -> GaugeMetricFamily:
    """A gauge with label ``account``."""
    family = GaugeMetricFamily(name, text, labels=["account"])
    for account, each in of:
        if (known := value(each)) is not None:
            family.add_metric([account], known)
    return family


def counter(name: str, text: str, of: Iterable[Named[T]], value: Callable[[T], int | None]) -> CounterMetricFamily:
    """A counter with label ``account``; its samples end in ``_total``."""
    family = CounterMetricFamily(name, text, labels=["account"])
    for account, each in of:
        if (known := value(each)) is not None:
            family.add_metric([account], known)
    return family


def labelled(
    family: GaugeMetricFamily | CounterMetricFamily,
    of: Iterable[Named[T]],
    values: Callable[[T], Iterable[tuple[str, float]]],
) -> GaugeMetricFamily | CounterMetricFamily:
    """*family*, filled with several samples for each account, which differ in one more label."""
    for account, each in of:
        for label, value in values(each):
            family.add_metric([account, label], value)
    return family
