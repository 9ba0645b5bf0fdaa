"""What the families have in common: one sample for each account, unless its value is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

T = TypeVar("T")
Named = tuple[str, T]
"""A value with the name of its account."""


@dataclass(frozen=True, slots=True)
class Moving:
    """A family whose values go with time: *values* gives them for the samples of *family*, in order.

    They are whole numbers, which are exact enough for an age, quick to print, and take 2.0 bytes a sample in Prometheus
    where fractions take 4.7. *values* must hold on to no more than it needs: it is kept as long as the snapshot is.
    """

    family: Metric
    values: Callable[[float], Sequence[int]]

    def as_of(self, now: float) -> Metric:
        """The family with the values of *now*."""
        family = Metric(self.family.name, self.family.documentation, self.family.type)
        values = self.values(now)
        family.samples = [
            sample._replace(value=value) for sample, value in zip(self.family.samples, values, strict=True)
        ]
        return family


Family = Metric | Moving
"""A family whose values stand until the next poll, or one whose values do not."""


def aging(family: Metric) -> Moving:
    """*family*, whose samples are times, with ages instead: to the nearest second, 0 for what is still to come."""
    times = [sample.value for sample in family.samples]

    def ages(now: float) -> Sequence[int]:
        # Halves go up. A comparison for each is cheaper than a call of max.
        return [int(age) if (age := now - time + 0.5) > 0 else 0 for time in times]

    return Moving(family, ages)


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
