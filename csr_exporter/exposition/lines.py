"""Samples as lines, the same in both formats: name, labels in alphabetical order, value.

They are what the client library would write, in a fraction of the time; a test compares every byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat

from prometheus_client.core import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from csr_exporter.inventory import Snapshot
from csr_exporter.metrics import CSR_GAUGES, AgeFamily, Exposed, ages_of, info_labels, with_series

_go_string: Callable[[float], str] = floatToGoString


def lines(family: Metric) -> bytes:
    """The samples of *family*."""
    return "".join([f"{_series(sample)} {_number(sample.value)}\n" for sample in family.samples]).encode()


class AgeLines:
    """Samples whose values change with time, as lines with gaps for *values*."""

    def __init__(self, series: Iterable[str], values: Callable[[float], Sequence[int]]) -> None:
        self._template = "".join([each.replace("%", "%%") + "%s\n" for each in series])
        self._values = values

    @classmethod
    def of(cls, family: AgeFamily) -> AgeLines:
        return cls([f"{_series(sample)} " for sample in family.metric.samples], family.values)

    def as_of(self, now: float) -> bytes:
        return (self._template % tuple(numbers(self._values(now)))).encode()


def numbers(values: Iterable[int]) -> list[str]:
    """*values*, which are not negative, as `floatToGoString` prints them: with an exponent from a million on."""
    return [
        f"{value}.0"
        if value < 10**6
        else f"{value / 1e6:.9g}e+06"
        if value < 10**7
        else f"{value / 1e7:.9g}e+07"
        if value < 10**8
        else f"{value / 1e8:.9g}e+08"
        if value < 10**9
        else _go_string(value)
        for value in values
    ]


def csr_lines(account: str, snapshot: Snapshot, exposed: Exposed) -> Iterator[tuple[str, bytes | AgeLines]]:
    """The samples of `csr_exporter.metrics.csr_families` by the name of the family, straight from the CSRs."""
    chosen = with_series(snapshot.inventory.csrs, exposed)
    fixed = {"account": repeat(_escaped(account)), "id": _all_escaped([csr.id for csr in chosen])}
    labels = info_labels(account, snapshot, exposed)
    further = {label: _all_escaped(list(map(text, chosen))) for label, text in labels.items()}
    yield "scm_csr", "".join(_with_labels("scm_csr_info", fixed | further, " 1.0\n")).encode()
    names = further.get("name") or _all_escaped([csr.name for csr in chosen])
    series = list(_with_labels("", fixed | {"name": names}, " "))
    for gauge in CSR_GAUGES:
        known = [
            (each, value) for each, value in zip(series, map(gauge.value, chosen), strict=True) if value is not None
        ]
        if gauge.is_age:
            yield gauge.name, AgeLines([gauge.name + each for each, _ in known], ages_of([time for _, time in known]))
        else:
            yield gauge.name, "".join([f"{gauge.name}{each}{_number(value)}\n" for each, value in known]).encode()


def _with_labels(name: str, columns: Mapping[str, Iterable[str]], end: str) -> Iterator[str]:
    """For each row of *columns*, *name* with its values as labels, then *end*."""
    labels = sorted(columns)
    gaps = ",".join([f'{label}="%s"' for label in labels])
    template = f"{name}{{{gaps}}}{end}"
    return (template % row for row in zip(*[columns[label] for label in labels], strict=False))


def _number(value: float) -> str:
    if 0 <= value < 10**6:
        return repr(float(value))
    if 10**9 <= value < 10**10 and (milliseconds := round(value * 1000)) / 1000 == value:
        # A time of this century. As it has fewer than 16 digits, they are those of the shortest representation.
        digits = str(milliseconds)
        return f"{digits[0]}.{digits[1:]}".rstrip("0.") + "e+09"
    return _go_string(value)


def _series(sample: Sample) -> str:
    """The name of *sample* and its labels."""
    if not sample.labels:
        return sample.name
    labels = ",".join([f'{name}="{_escaped(sample.labels[name])}"' for name in sorted(sample.labels)])
    return f"{sample.name}{{{labels}}}"


def _all_escaped(texts: list[str]) -> list[str]:
    """*texts*, escaped one by one only if any needs it."""
    whole = "".join(texts)
    return texts if _escaped(whole) == whole else list(map(_escaped, texts))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
