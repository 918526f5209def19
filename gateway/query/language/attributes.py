"""A value of the attributes: the scalar under the literal key, else under the key as a dotted path.

ClickHouse looks a path up quickly, but takes the first of equal keys, and finds nothing in JSON with a number that no
double holds. Attributes that may have either are looked at step by step.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from gateway.query.language.binding import Binding
from gateway.query.language.kinds import Name
from gateway.query.language.nodes import AnyOf, Between, Compare, Exact, Glob, Present, Test
from gateway.query.language.numbers import comparison, number, texts_of
from gateway.query.language.texts import either, like

_UNPLAIN_NUMBER = re.compile(r"-0|-?(?:0|[1-9]\d*)(?=[.eE])(?:\.\d+)?(?:[eE][-+]?\d+)?", re.ASCII)
"""A number that ClickHouse may write differently than the JSON does: `3.0`, `1e3`. It is compared as a number."""

_TOKENS = r'"(?:[^"\\\\]|\\\\.)*"|[^"\\s,:\\[\\]{}]+|[\\s,:\\[\\]{}]+'
_SURROGATES = r"(\\\\\\\\|\\\\u[dD][89abAB]..\\\\u[dD][c-fC-F]..)|\\\\u[dD][89a-fA-F].."
_HUGE = "if(match(token, '^-?[0-9]') AND NOT isFinite(toFloat64OrZero(token)), concat('\"', token, '\"'), token)"
_TOKEN = f"if(startsWith(token, '\"'), replaceRegexpAll(token, '{_SURROGATES}', '\\\\1'), {_HUGE})"
READABLE = (
    f"if(isValidJSON(attributes), attributes,"
    f" arrayStringConcat(arrayMap(token -> {_TOKEN}, extractAll(attributes, '{_TOKENS}'))))"
)
"""The attributes as ClickHouse can read them: a number that no double holds as a text, and without lone surrogates.
Ingest passes both on without looking for them."""

_TEXT, _BEGINS = "JSONExtractString(json)", "substring(json, 1, 1)"
"""Of the value that was found, as JSON: its text without quotes, and what tells its kind. It is '' for none."""

_NUMERIC = "'^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?$'"
_ESCAPED = "position(attributes, '\\\\') > 0"


@dataclass(frozen=True)
class Attribute:
    """`items`: the indexed expression of the attributes' own scalars as `key=value`, `odd` alone where they can't be
    told; '' where there is no such index."""

    key: str
    items: str = ""
    name: Name = "attribute"

    @property
    def columns(self) -> tuple[str, ...]:
        return ("attributes",)

    def check(self, test: Test) -> Test:
        if isinstance(test, Compare | Between):
            for text in texts_of(test):
                number(text)
        return test

    def sql(self, test: Test, bind: Binding) -> str:
        # A lambda names the value: ClickHouse takes statements of only so many terms.
        needed = _may_hold(self.key, test, bind)
        may_pass = f"({' OR '.join((*needed, _ESCAPED))})" if needed else None
        if may_pass and isinstance(test, AnyOf):  # most rows lack the value, and are not looked at any further
            items = self._listed(test) if self.items else []
            listed = f" AND hasAny({self.items}, {bind(items)})" if items else ""
            return f"({may_pass} AND arrayExists(json -> {_passes(test, bind)}, [{self._value(bind)}]){listed})"
        return f"arrayExists(json -> {_passes(test, bind)}, [{self._value(bind, may_pass)}])"

    def value_sql(self, bind: Binding) -> str:
        """The text of the scalar, '' for none."""
        text = f"if({_BEGINS} IN ('', '{{', '[', 'n'), '', {_TEXT})"
        return f"arrayElement(arrayMap(json -> {text}, [{self._value(bind)}]), 1)"

    def _listed(self, test: Test) -> list[str]:
        """Of these items at least one is there where the attributes pass; none if that can't be told. A scalar below a
        dotted path is no item."""
        if "." in self.key or not isinstance(test, AnyOf):
            return []
        texts = [value.text for value in test.values if isinstance(value, Exact) and _needle(value) is not None]
        sure = len(texts) == len(test.values) and "null" not in texts
        return [*(f"{self.key}={text}" for text in texts), "odd"] if sure else []

    def _value(self, bind: Binding, may_pass: str | None = None) -> str:
        """The value as JSON, '' for none. Where `may_pass` is false it may also be ''.

        `at_once` stands first of all, where the server looks it up once for every row. Behind an AND or OR it filters
        the rows first, and looks it up at each place where it stands (performance.md, "Looked up once").
        """
        place = bind(self.key)
        steps = [bind(part) for part in self.key.split(".")] if "." in self.key else []
        keys = [bind(f'"{key}"') for key in dict.fromkeys((self.key, *self.key.split(".")))]
        twice = [f"countSubstrings(attributes, {key}) > 1" for key in keys]
        at_once = _at_once(f"if({may_pass}, attributes, '')" if may_pass else "attributes", place, steps)
        unread = " AND ".join((f"empty({at_once})", *([may_pass] if may_pass else []), "NOT isValidJSON(attributes)"))
        odd = " OR ".join((f"({unread})", *twice, _ESCAPED))
        return f"if({odd}, {_step_by_step(place, steps)}, {at_once})"


def _may_hold(key: str, test: Test, bind: Binding) -> list[str]:
    """Of these at least one is true where the attributes pass and have no escapes; none if that can't be told.
    Looking for a text first is twice as fast."""
    if not isinstance(test, AnyOf):
        return [f"position(attributes, {bind(key.rpartition('.')[2] + chr(34))}) > 0"]
    needles = [_needle(value) for value in test.values]
    if any(needle is None for needle in needles):
        return []
    return [f"position(attributes, {bind(needle)}) > 0" for needle in needles]


def _needle(value: Exact | Glob) -> str | None:
    """What the JSON of a passing scalar without escapes holds as it is."""
    if isinstance(value, Exact):
        return None if _UNPLAIN_NUMBER.fullmatch(value.text) else value.text
    longest = max(value.pieces, key=len)
    return None if re.fullmatch(r"[-+.\deE]*", longest) else longest  # a number may be written otherwise


def _at_once(json: str, place: str, steps: list[str]) -> str:
    """The value in JSON without equal keys."""
    literal = f"JSONExtractRaw({json}, {place})"
    below = f"JSONExtractRaw({json}, {', '.join(steps)})"
    return f"if(notEmpty({literal}), {literal}, {below})" if steps else literal


def _step_by_step(place: str, steps: list[str]) -> str:
    """The value in any JSON: at each step of a path the last of equal keys."""
    step = "arrayLast(pair -> pair.1 = key, JSONExtractKeysAndValuesRaw(found)).2"
    walk = f"arrayFold((found, key) -> {step}, path, {READABLE})"
    paths = f"[[{place}], [{', '.join(steps)}]]" if steps else f"[[{place}]]"
    return f"arrayFirst(json -> notEmpty(json), arrayMap(path -> {walk}, {paths}))"


def _passes(test: Test, bind: Binding) -> str:
    """How the value is tested."""
    match test:
        case AnyOf(values):
            return either([each for value in values for each in _is(value, bind)])
        case Compare() | Between():
            passed = comparison(test, number, bind)
            text = f"match({_TEXT}, {_NUMERIC}) AND {passed(f'toFloat64OrZero({_TEXT})')}"
            return f"if({_BEGINS} = '\"', {text}, ifNull({passed('toFloat64OrNull(json)')}, 0))"
        case Present():
            return "json NOT IN ('', 'null')"
    assert_never(test)


def _is(value: Exact | Glob, bind: Binding) -> Iterator[str]:
    """Of these at least one is true where the value is a scalar of this text."""
    scalar = f"{_BEGINS} NOT IN ('', '{{', '[', 'n')"
    if isinstance(value, Glob):
        yield f"({scalar} AND {_TEXT} LIKE {bind(like(value))})"
        return
    yield f"({scalar} AND {_TEXT} = {bind(value.text)})"
    if _UNPLAIN_NUMBER.fullmatch(value.text):
        number = f"JSONExtractString({bind(f'[{value.text}]')}, 1)"
        yield f"(match(json, '^[-0-9]') AND {_TEXT} = {number})"
    if value.text == "null":
        yield "json = 'null'"
