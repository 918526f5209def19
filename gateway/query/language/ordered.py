"""Fields of a few known values: levels, which have an order, and yes or no."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from gateway.query.language.binding import Binding
from gateway.query.language.kinds import Name, Unfit
from gateway.query.language.nodes import AnyOf, Between, Compare, Exact, Glob, Present, Test
from gateway.query.language.numbers import COMPARED


@dataclass(frozen=True)
class Ordered:
    """A column that holds one of `values`, the least first. `known` gives the one that a word means, else None."""

    column: str
    values: tuple[str, ...]
    known: Callable[[str], str | None]
    name: Name = "level"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def check(self, test: Test) -> Test:
        match test:
            case AnyOf(values):
                return AnyOf(tuple(self._checked(value) for value in values))
            case Compare(operator, value):
                return Compare(operator, self._value(value))
            case Between(low, high):
                return Between(self._value(low), self._value(high))
            case Present():
                return test
        assert_never(test)

    def sql(self, test: Test, bind: Binding) -> str:
        if isinstance(test, Present):
            return f"`{self.column}` != ''"
        wanted = tuple(value for value in self.values if self._passes(value, test))
        return f"`{self.column}` IN {bind(wanted)}" if wanted else "0"

    def _checked(self, value: Exact | Glob) -> Exact | Glob:
        return Exact(self._value(value.text)) if isinstance(value, Exact) else Glob(value.pattern.lower())

    def _value(self, word: str) -> str:
        found = self.known(word)
        if found is None:
            raise Unfit(f"it is {', '.join(self.values[:-1])} or {self.values[-1]}")
        return found

    def _passes(self, value: str, test: AnyOf | Compare | Between) -> bool:
        place = self.values.index
        match test:
            case AnyOf(values):
                return any(_is(value, each) for each in values)
            case Compare(operator, than):
                return COMPARED[operator](place(value), place(than))
            case Between(low, high):
                return place(low) <= place(value) <= place(high)
        assert_never(test)


def _is(value: str, wanted: Exact | Glob) -> bool:
    if isinstance(wanted, Exact):
        return value == wanted.text
    return re.fullmatch(".*".join(map(re.escape, wanted.pieces)), value) is not None


_ANSWERS = {"yes": "yes", "true": "yes", "1": "yes", "no": "no", "false": "no", "0": "no"}


@dataclass(frozen=True)
class YesNo:
    """`condition` is true for yes."""

    condition: str
    columns: tuple[str, ...]
    name: Name = "yes/no"

    def check(self, test: Test) -> Test:
        if isinstance(test, AnyOf) and len(test.values) == 1 and isinstance(test.values[0], Exact):
            answer = _ANSWERS.get(test.values[0].text.lower())
            if answer:
                return AnyOf((Exact(answer),))
        raise Unfit("it is yes or no")

    def sql(self, test: Test, bind: Binding) -> str:
        return f"({self.condition})" if test == AnyOf((Exact("yes"),)) else f"(NOT ({self.condition}))"
