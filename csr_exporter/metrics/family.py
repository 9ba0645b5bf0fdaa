"""Families with the samples of one account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

L = TypeVar("L", bound=str | tuple[str, str])
Value = float | None | Mapping[L, float]
"""One value, None where it is not known, or a value for each combination of the further labels."""

M = TypeVar("M", bound=GaugeMetricFamily | CounterMetricFamily)


@dataclass(frozen=True, slots=True)
class AgeFamily:
    """A family whose values change with time: *values* computes them for the samples of *metric*, in order.

    They are whole numbers: exact enough for an age, quick to print, and 2.0 bytes a sample in Prometheus where
    fractions take 4.7. *values* lives as long as the snapshot, so it must not hold on to more than it needs.
    """

    metric: Metric
    values: Callable[[float], Sequence[int]]


@dataclass(frozen=True, slots=True)
class StepFamily:
    """A family whose samples change only at *times*, in ascending order; *at* makes them for any time."""

    name: str
    times: Sequence[float]
    at: Callable[[float], Metric]


Family = Metric | AgeFamily | StepFamily


def as_of(family: Family, now: float) -> Metric:
    """*family* with its samples at *now*."""
    if isinstance(family, Metric):
        return family
    if isinstance(family, StepFamily):
        return family.at(now)
    metric = Metric(family.metric.name, family.metric.documentation, family.metric.type)
    samples = zip(family.metric.samples, family.values(now), strict=True)
    metric.samples = [sample._replace(value=value) for sample, value in samples]
    return metric


def ages(metric: Metric) -> AgeFamily:
    """The ages that follow from the timestamps in *metric*."""
    return AgeFamily(metric, ages_of([sample.value for sample in metric.samples]))


def ages_of(times: Sequence[float]) -> Callable[[float], Sequence[int]]:
    """Computes the ages that follow from *times*: to the nearest second, 0 for times in the future."""
    # Halves round up. Comparing is cheaper than calling max for each.
    return lambda now: [int(age) if (age := now - time + 0.5) > 0 else 0 for time in times]


def gauge(name: str, text: str, account: str, value: Value[L], *labels: str) -> GaugeMetricFamily:
    """A gauge with the label ``account`` and *labels*."""
    return _filled(GaugeMetricFamily(name, text, labels=["account", *labels]), account, value)


def counter(name: str, text: str, account: str, value: Value[L], *labels: str) -> CounterMetricFamily:
    """A counter with the label ``account`` and *labels*; its samples end in ``_total``."""
    return _filled(CounterMetricFamily(name, text, labels=["account", *labels]), account, value)


def info(name: str, text: str, labels: dict[str, str]) -> InfoMetricFamily:
    """A sample that is always 1 and has *labels*; its name ends in ``_info``."""
    return InfoMetricFamily(name, f"{text}; always 1.", value=labels)


def _filled(family: M, account: str, value: Value[L]) -> M:
    if isinstance(value, Mapping):
        for key, each in value.items():
            family.add_metric([account, key] if isinstance(key, str) else [account, *key], each)
    elif value is not None:
        family.add_metric([account], value)
    return family
