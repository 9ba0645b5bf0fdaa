"""Samples as lines, the same in both formats: name, labels in alphabetical order, value.

They are what the client library would write, in a fraction of the time; a test compares every byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import compress
from operator import attrgetter

from prometheus_client.core import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from csr_exporter.inventory import Csr, Snapshot
from csr_exporter.metrics import CSR_GAUGES, AgeFamily, Exposed, ages_of, info_labels, with_series

_go_string: Callable[[float], str] = floatToGoString


def lines(family: Metric) -> bytes:
    """The samples of *family*."""
    return "".join([f"{_series(sample)} {_number(sample.value)}\n" for sample in family.samples]).encode()


class AgeLines:
    """Samples whose values change with time, as lines with gaps for *values*."""

    def __init__(self, template: bytes, values: Callable[[float], Sequence[int]]) -> None:
        # As bytes: in a text with one name that is Chinese, every letter takes two, and copying it twice as long.
        self._template = template
        self._values = values

    @classmethod
    def of(cls, family: AgeFamily) -> AgeLines:
        lines = [f"{_template(_series(sample))} %s\n" for sample in family.metric.samples]
        return cls("".join(lines).encode(), family.values)

    def as_of(self, now: float) -> bytes:
        return self._template % tuple(numbers(self._values(now)))


def numbers(values: Iterable[int]) -> list[bytes]:
    """*values*, which are not negative, as `floatToGoString` prints them: with an exponent from a million on."""
    return [
        b"%d.0" % value
        if value < 10**6
        else b"%.9ge+06" % (value / 1e6)
        if value < 10**7
        else b"%.9ge+07" % (value / 1e7)
        if value < 10**8
        else b"%.9ge+08" % (value / 1e8)
        if value < 10**9
        else _go_string(value).encode()
        for value in values
    ]


def csr_lines(account: str, snapshot: Snapshot, exposed: Exposed) -> Iterator[tuple[str, bytes | AgeLines]]:
    """The samples of `csr_exporter.metrics.csr_families` by the name of the family, straight from the CSRs."""
    chosen = with_series(snapshot.inventory.csrs, exposed)
    labels: dict[str, Callable[[Csr], str]] = {"id": attrgetter("id"), **info_labels(account, snapshot, exposed)}
    columns = {label: _each(_escaped, list(map(text, chosen))) for label, text in labels.items()}
    columns |= {"account": [_escaped(account)] * len(chosen)}
    yield "scm_csr", b"".join(_with_labels("scm_csr_info", columns, " 1.0\n"))
    names = columns.get("name") or _each(_escaped, [csr.name for csr in chosen])
    identifying = {"account": columns["account"], "id": columns["id"], "name": names}
    templates = {label: _each(_template, texts) for label, texts in identifying.items()}
    yield from _gauge_lines(chosen, list(_with_labels("", templates, " %%s\n")))


def _gauge_lines(csrs: Sequence[Csr], series: Sequence[bytes]) -> Iterator[tuple[str, bytes | AgeLines]]:
    """The samples of all gauges; *series* are the labels of each of *csrs*, with a gap for its value."""
    for gauge in CSR_GAUGES:
        values = list(map(gauge.value, csrs))
        known = [value for value in values if value is not None]
        given = series if len(known) == len(values) else compress(series, [value is not None for value in values])
        name = gauge.name.encode()
        template = name + name.join(given) if known else b""
        if gauge.is_age:
            yield gauge.name, AgeLines(template, ages_of(known))
        else:
            yield gauge.name, template % tuple("\n".join(map(_number, known)).encode().split(b"\n")[: len(known)])


def _with_labels(name: str, columns: Mapping[str, Iterable[str]], end: str) -> Iterator[bytes]:
    """For each row of *columns*, *name* with its values as labels, then *end*."""
    labels = sorted(columns)
    gaps = ",".join([f'{label}="%s"' for label in labels])
    template = f"{name}{{{gaps}}}{end}"
    return ((template % row).encode() for row in zip(*[columns[label] for label in labels], strict=True))


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


def _each(change: Callable[[str], str], texts: list[str]) -> list[str]:
    """What *change* makes of *texts*, one by one only if it changes any of them."""
    whole = "".join(texts)
    return texts if change(whole) == whole else list(map(change, texts))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _template(text: str) -> str:
    """*text* for a template, in which ``%`` has a meaning."""
    return text.replace("%", "%%")
