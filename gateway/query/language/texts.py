"""Fields that hold text: equal to it, or like it where it has stars."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from gateway.query.language.binding import Binding, stored
from gateway.query.language.kinds import Name, Unfit
from gateway.query.language.nodes import AnyOf, Between, Compare, Exact, Glob, Present, Test

_OTHER_BYTES = re.compile(r"[^\0-\x7f]+|[kK]")
"""What may have other bytes than ASCII's in another case. ILIKE may take the sign for kelvin for a `k`."""


@dataclass(frozen=True)
class Words:
    """A column of text. `limit`: characters that it keeps. `as_stored`: how it keeps what is written otherwise."""

    column: str
    limit: int | None = None
    name: Name = "text"
    as_stored: Callable[[str], str] = str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def check(self, test: Test) -> Test:
        return without_order(test)

    def sql(self, test: Test, bind: Binding) -> str:
        match test:
            case AnyOf(values):
                words = (self.as_stored(value.text) for value in values if isinstance(value, Exact))
                exact = tuple(stored(word, self.limit) for word in words)
                globs = (f"`{self.column}` LIKE {bind(like(v))}" for v in values if isinstance(v, Glob))
                return either([*equal(self.column, exact, bind), *globs])
            case Present():
                return f"`{self.column}` != ''"
            case Compare() | Between():
                raise Unfit
        assert_never(test)


@dataclass(frozen=True)
class SearchedWords(Words):
    """A column that may have a search index over its text in lower case."""

    def sql(self, test: Test, bind: Binding) -> str:
        found = super().sql(test, bind)
        if not isinstance(test, AnyOf):
            return found
        patterns = (literally(stored(v.text)) if isinstance(v, Exact) else like(v) for v in test.values)
        return f"({found} AND {_hint([_lower_like(self.column, pattern, bind) for pattern in patterns])})"


@dataclass(frozen=True)
class Person:
    """A user by id. A text with an `@` is looked for among the addresses too."""

    ids: Words
    addresses: Words
    name: Name = "id"

    @property
    def columns(self) -> tuple[str, ...]:
        return self.ids.columns + self.addresses.columns

    def check(self, test: Test) -> Test:
        return without_order(test)

    def sql(self, test: Test, bind: Binding) -> str:
        if isinstance(test, AnyOf):
            addresses = tuple(value for value in test.values if "@" in written(value))
            if not addresses:
                return self.ids.sql(test, bind)
            return either([self.ids.sql(test, bind), self.addresses.sql(AnyOf(addresses), bind)])
        return either([self.ids.sql(test, bind), self.addresses.sql(test, bind)])


@dataclass(frozen=True)
class Group:
    """A fingerprint: those of all groups that were merged with it."""

    fingerprints: Words
    name: Name = "id"

    @property
    def columns(self) -> tuple[str, ...]:
        return self.fingerprints.columns

    def check(self, test: Test) -> Test:
        return without_order(test)

    def sql(self, test: Test, bind: Binding) -> str:
        if isinstance(test, AnyOf):
            test = AnyOf(tuple(dict.fromkeys(each for value in test.values for each in _members(value, bind))))
        return self.fingerprints.sql(test, bind)


def _members(value: Exact | Glob, bind: Binding) -> Iterable[Exact | Glob]:
    return map(Exact, bind.members(value.text)) if isinstance(value, Exact) else (value,)


def without_order(test: Test) -> Test:
    if isinstance(test, Compare | Between):
        raise Unfit("it has no order: ask for a value, or for a part of it with *")
    return test


def equal(column: str, values: Sequence[str], bind: Binding) -> list[str]:
    """The condition that a column has one of these values; none if there are none."""
    if not values:
        return []
    return [f"`{column}` = {bind(values[0])}" if len(values) == 1 else f"`{column}` IN {bind(tuple(values))}"]


def contains(expression: str, text: str, bind: Binding) -> str:
    """The condition that a text holds another one, in any case. Search indexes are over the text in lower case, of
    which ClickHouse's `lower` knows ASCII only (reading.md, "Search indexes")."""
    text = stored(text)
    if text.isascii():
        return _lower_like(expression, f"%{literally(text)}%", bind)
    found = f"{expression} ILIKE {bind(f'%{literally(text)}%')}"
    pieces = "%".join(map(literally, _OTHER_BYTES.split(text)))
    return f"({found} AND {_hint([_lower_like(expression, f'%{pieces}%', bind)])})"


def _lower_like(expression: str, pattern: str, bind: Binding) -> str:
    small = re.sub("[A-Z]+", lambda letters: letters[0].lower(), pattern)
    return f"lower({expression}) LIKE {bind(small)}"


def _hint(conditions: Sequence[str]) -> str:
    """At least one of these is true anyway: the server tells by them which rows an index lets it skip, and looks at
    none. It is true."""
    return f"indexHint({either(conditions)})"


def like(glob: Glob) -> str:
    """The LIKE pattern of a glob."""
    return "%".join(map(literally, glob.pieces))


def literally(text: str) -> str:
    """The LIKE pattern that matches only this text."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def written(value: Exact | Glob) -> str:
    return value.text if isinstance(value, Exact) else value.pattern


def either(parts: Sequence[str]) -> str:
    """At least one part."""
    return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"
