"""A value of the attributes: the scalar under the literal key, else under the key as a dotted path.

ClickHouse looks a path up quickly, but takes the first of equal keys, and finds nothing in JSON with a number that no
double holds. Attributes that may have either are looked at step by step.
"""

import re
from collections.abc import Callable
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
_READABLE = (
    f"if(isValidJSON(attributes), attributes,"
    f" arrayStringConcat(arrayMap(token -> {_TOKEN}, extractAll(attributes, '{_TOKENS}'))))"
)
"""The attributes as ClickHouse can read them: a number that no double holds as a text, and without lone surrogates.
Ingest passes both on without looking for them."""

_NUMERIC = "'^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?$'"
_ESCAPED = "position(attributes, '\\\\') > 0"

Passes = Callable[[str, str], str]
"""The condition on the value at a place in the JSON. Takes the arguments of JSONType and its like, and the condition
that there is a value."""


@dataclass(frozen=True)
class Attribute:
    key: str
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
        place = bind(self.key)
        steps = [bind(part) for part in self.key.split(".")] if "." in self.key else [place]
        keys = [bind(f'"{key}"') for key in dict.fromkeys((self.key, *self.key.split(".")))]
        twice = [f"countSubstrings(attributes, {key}) > 1" for key in keys]
        odd = " OR ".join((*twice, _ESCAPED, "NOT isValidJSON(attributes)"))
        check = _passes(test, bind)
        sql = f"if({odd}, {_step_by_step(place, steps, check)}, {_at_once(place, steps, check)})"
        found = _may_hold(self.key, test, bind)
        return f"(({' OR '.join((*found, _ESCAPED))}) AND {sql})" if found else sql


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


def _at_once(place: str, steps: list[str], check: Passes) -> str:
    """The condition for JSON without equal keys."""
    literal, below = f"attributes, {place}", f"attributes, {', '.join(steps)}"
    sql = check(literal, f"JSONHas({literal})")
    return sql if len(steps) == 1 else f"if(JSONHas({literal}), {sql}, {check(below, f'JSONHas({below})')})"


def _step_by_step(place: str, steps: list[str], check: Passes) -> str:
    """The condition for any JSON: at each step of a path the last of equal keys, '' where it leads nowhere.

    Lambdas keep the statement short: ClickHouse takes only so many terms.
    """
    step = "arrayLast(pair -> pair.1 = key, JSONExtractKeysAndValuesRaw(found)).2"
    walk = f"arrayFold((found, key) -> {step}, path, {_READABLE})"
    paths = f"[[{place}], [{', '.join(steps)}]]" if len(steps) > 1 else f"[[{place}]]"
    found = f"arrayFirst(json -> notEmpty(json), arrayMap(path -> {walk}, {paths}))"
    return f"arrayExists(json -> {check('json', 'notEmpty(json)')}, [{found}])"


def _passes(test: Test, bind: Binding) -> Passes:
    """How the value at a place is tested. The values are bound here, once, whatever the number of places."""
    match test:
        case AnyOf(values):
            return _is_scalar(values, bind)
        case Compare() | Between():
            passed = comparison(test, number, bind)
            return lambda where, _: _is_number(where, passed)
        case Present():
            return lambda where, _: f"JSONType({where}) != 'Null'"
    assert_never(test)


def _is_scalar(values: tuple[Exact | Glob, ...], bind: Binding) -> Passes:
    """Whether the value is a scalar of one of these texts."""
    exact = [value.text for value in values if isinstance(value, Exact)]
    texts = [bind(value) for value in exact]
    globs = [bind(like(value)) for value in values if isinstance(value, Glob)]
    numbers = [bind(f"[{value}]") for value in exact if _UNPLAIN_NUMBER.fullmatch(value)]
    null = "null" in exact

    def check(where: str, exists: str) -> str:
        kind, text = f"JSONType({where})", f"JSONExtractString({where})"
        is_text = either([*(f"{text} = {each}" for each in texts), *(f"{text} LIKE {each}" for each in globs)])
        parts = [f"({kind} NOT IN ('Object', 'Array', 'Null') AND {is_text})"]
        for each in numbers:
            parts.append(f"({kind} IN ('Int64', 'UInt64', 'Double') AND {text} = JSONExtractString({each}, 1))")
        if null:
            parts.append(f"({kind} = 'Null' AND {exists})")
        return either(parts)

    return check


def _is_number(where: str, passed: Callable[[str], str]) -> str:
    """Whether the value is a number, or the text of one, that passes."""
    kind, text = f"JSONType({where})", f"JSONExtractString({where})"
    return (
        f"if({kind} IN ('Int64', 'UInt64', 'Double'), {passed(f'JSONExtractFloat({where})')},"
        f" {kind} = 'String' AND match({text}, {_NUMERIC}) AND {passed(f'toFloat64OrZero({text})')})"
    )
