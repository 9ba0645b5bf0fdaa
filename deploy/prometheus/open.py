"""Numbers that are still open: rules made with them name each threshold, for a template to fill it in.

An open number writes itself as ``@@name:verb@@`` or ``@@name:verb:factor@@``. The verb is one of printf, or

- ``span``: a duration as Prometheus writes it
- ``rest``: what is left of 1
"""

from __future__ import annotations

from typing import Self


class Open(float):
    """The number of the threshold *name*, times *factor*, or what is left of 1."""

    name: str
    factor: float
    rest: bool

    @classmethod
    def of(cls, name: str, value: float, factor: float = 1.0, *, rest: bool = False) -> Self:
        """The threshold *name*, which is *value* by default."""
        self = cls(value)
        self.name, self.factor, self.rest = name, factor, rest
        return self

    def __mul__(self, other: float) -> Open:
        return Open.of(self.name, float(self) * other, self.factor * other)

    def __truediv__(self, other: float) -> Open:
        return Open.of(self.name, float(self) / other, self.factor / other)

    def __rsub__(self, other: float) -> Open:
        if other != 1:
            raise ValueError(f"expected 1, got {other} - {self.name}")
        return Open.of(self.name, 1 - float(self), rest=True)

    def __format__(self, how: str) -> str:
        if self.rest:
            return token(self.name, "rest")
        return token(self.name, f"%{'.6g' if how == 'g' else how}", self.factor)

    @property
    def span(self) -> str:
        return token(self.name, "span", self.factor)


def token(name: str, verb: str, factor: float = 1.0) -> str:
    """What stands for the threshold *name* in a text."""
    return f"@@{name}:{verb}@@" if factor == 1 else f"@@{name}:{verb}:{factor:.17g}@@"
