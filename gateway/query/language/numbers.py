"""Fields that hold a number, a duration among them."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import assert_never

from gateway.query.language.binding import Binding
from gateway.query.language.kinds import Name, Unfit
from gateway.query.language.nodes import AnyOf, Between, Compare, Exact, Glob, Operator, Present, Test
from gateway.query.language.texts import either

COMPARED: Mapping[Operator, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}

_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)?", re.ASCII)
_MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


@dataclass(frozen=True)
class Number:
    """`expression` over the columns is a number."""

    expression: str
    columns: tuple[str, ...]
    name: Name = "number"

    def read(self, text: str) -> float:
        """Raises `Unfit`."""
        return number(text)

    def check(self, test: Test) -> Test:
        for text in texts_of(test):
            self.read(text)
        return test

    def sql(self, test: Test, bind: Binding) -> str:
        if isinstance(test, Present):
            return f"{self.expression} != 0"
        return comparison(test, self.read, bind)(self.expression)


@dataclass(frozen=True)
class Duration(Number):
    """A number of milliseconds, asked for as `100ms`, `1.5s`, `2m`; without a unit it is milliseconds."""

    name: Name = "duration"

    def read(self, text: str) -> float:
        found = _DURATION.fullmatch(text)
        if found is None:
            raise Unfit("write 100ms, 1.5s, 2m or 1h")
        return number(found[1]) * _MILLISECONDS[found[2] or "ms"]


def number(text: str) -> float:
    """Raises `Unfit` where it is none, or no double holds it."""
    if not _NUMBER.fullmatch(text) or not isfinite(float(text)):
        raise Unfit("it is a number")
    return float(text)


def texts_of(test: Test) -> tuple[str, ...]:
    """The numbers that a test names. Raises `Unfit` for a glob."""
    match test:
        case AnyOf(values):
            if any(isinstance(value, Glob) for value in values):
                raise Unfit("it is a number, without *")
            return tuple(value.text for value in values if isinstance(value, Exact))
        case Compare(_, value):
            return (value,)
        case Between(low, high):
            return low, high
        case Present():
            return ()
    assert_never(test)


def comparison(test: AnyOf | Compare | Between, read: Callable[[str], float], bind: Binding) -> Callable[[str], str]:
    """The condition that a number passes a test, from the number's expression. Its values are bound once."""
    match test:
        case AnyOf(values):
            equal = [bind(read(value.text)) for value in values if isinstance(value, Exact)]
            return lambda number: either([f"{number} = {each}" for each in equal])
        case Compare(operator, value):
            bound = bind(read(value))
            return lambda number: f"{number} {operator} {bound}"
        case Between(low, high):
            ends = bind(read(low)), bind(read(high))
            return lambda number: f"({number} >= {ends[0]} AND {number} <= {ends[1]})"
    assert_never(test)
