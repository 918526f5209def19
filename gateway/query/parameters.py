"""The parameters of a read request. They are read one by one; all errors are reported at once, as FastAPI does."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from gateway.query.refusals import BadQuery, Issue, issue

T = TypeVar("T")
D = TypeVar("D", int, None)
W = TypeVar("W", bound=str)

_INTEGER = re.compile(r"\s*([+-]?\d+)(?:\.0+)?\s*", re.ASCII)
_HUGE = 10**18
"""Stands for all numbers of 19 digits or more: Python refuses to parse very long ones."""

MAX_WORD = 256
MAX_ISSUES = 100
"""Most issues of one answer: a URL has room for a hundred thousand wrong words."""


class Parameters:
    """The query string's parameters. An empty value counts as absent; of a repeated parameter the last counts.

    Read those that are allowed, then call `finish`: it raises `BadQuery` for bad values and for parameters that weren't
    read.
    """

    def __init__(self, items: Iterable[tuple[str, str]], path: Mapping[str, str] | None = None) -> None:
        self._path = {} if path is None else path
        self._all: dict[str, list[str]] = {}
        for name, value in items:
            self._all.setdefault(name, []).append(value)
        self._taken: set[str] = set()
        self._issues: list[Issue] = []

    def in_path(self, name: str) -> str:
        """A part of the path, which the route has found there."""
        return self._path[name]

    def text(self, name: str, *, most: int | None = None) -> str | None:
        """`most`: how many characters it may have."""
        values = self.texts(name)
        if values and most is not None and len(values[-1]) > most:
            message = f"String should have at most {most} characters"
            self.refuse(name, "string_too_long", message, values[-1], max_length=most)
            return None
        return values[-1] if values else None

    def texts(self, name: str) -> list[str]:
        """All values of a parameter, in order."""
        self._taken.add(name)
        return [value for value in self._all.get(name, ()) if value]

    def words(
        self, name: str, allowed: Iterable[str], same: Callable[[str], str] = str, prefix: str | None = None
    ) -> list[str]:
        """The comma-separated words of a parameter and of its repetitions, without duplicates.

        `same` gives a word's usual spelling, which must be in `allowed`, or begin with `prefix` and go on.
        """
        choices = list(allowed)
        found: dict[str, None] = {}
        for given in ",".join(self.texts(name)).split(","):
            word = same(given.strip())
            goes_on = prefix is not None and word.startswith(prefix) and len(prefix) < len(word) <= MAX_WORD
            if word in choices or goes_on:
                found[word] = None
            elif word:
                if len(self._issues) >= MAX_ISSUES:
                    break
                expected = _alternatives(choices)
                self.refuse(name, "literal_error", f"Input should be {expected}", given.strip(), expected=expected)
        return list(found)

    def choice(self, name: str, allowed: Iterable[W], default: W) -> W:
        """One of these words."""
        given = self.text(name)
        for word in (choices := list(allowed)):
            if given == word:
                return word
        if given is not None:
            expected = _alternatives(choices)
            self.refuse(name, "literal_error", f"Input should be {expected}", given, expected=expected)
        return default

    def integer(self, name: str, default: D, *, least: int, most: int) -> int | D:
        given = self.text(name)
        if given is None:
            return default
        matched = _INTEGER.fullmatch(given)
        if matched is None:
            self.refuse(
                name,
                "int_parsing",
                "Input should be a valid integer, unable to parse string as an integer",
                given,
            )
            return default
        digits = matched[1]
        value = int(digits) if len(digits) < 19 else (-_HUGE if digits.startswith("-") else _HUGE)
        if value < least:
            message = f"Input should be greater than or equal to {least}"
            self.refuse(name, "greater_than_equal", message, given, ge=least)
        if value > most:
            self.refuse(name, "less_than_equal", f"Input should be less than or equal to {most}", given, le=most)
        return value

    def parsed(self, name: str, parse: Callable[[str], T], kind: str, should_be: str) -> T | None:
        """The value that `parse` returns. If that raises ValueError, this is an issue of this kind."""
        given = self.text(name)
        if given is None:
            return None
        try:
            return parse(given)
        except ValueError as error:
            self.refuse(name, kind, f"Input should be {should_be}, {error}", given, error=str(error))
            return None

    def with_prefix(self, prefix: str) -> list[tuple[str, str]]:
        """(rest of the name, value) of every parameter whose name begins with the prefix."""
        names = [name for name in self._all if name.startswith(prefix) and name != prefix]
        return [(name.removeprefix(prefix), value) for name in names for value in self.texts(name)]

    def refuse(self, name: str, kind: str, message: str, given: str, **context: object) -> None:
        if len(self._issues) < MAX_ISSUES:
            self._issues.append(issue(kind, name, message, given, **context))

    def finish(self) -> None:
        """Raise `BadQuery` if there are issues."""
        for name, values in self._all.items():
            if name not in self._taken:
                self.refuse(name, "extra_forbidden", "Extra inputs are not permitted", values[-1])
        if self._issues:
            raise BadQuery(self._issues)


def no_parameters() -> BadQuery:
    """How a route without parameters refuses one."""
    return refused_by(Parameters.finish)


def refused_by(parse: Callable[[Parameters], object]) -> BadQuery:
    """How a route that reads its parameters so refuses one that it doesn't know."""
    try:
        parse(Parameters([("nothing", "1")], defaultdict(str)))
    except BadQuery as refusal:
        return refusal
    raise AssertionError("an unknown parameter was accepted")


def _alternatives(words: Sequence[str]) -> str:
    quoted = [f"'{word}'" for word in words]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
