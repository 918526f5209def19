"""The WHERE clause of a `LogQuery`.

Every clause begins with the project and, where times are given, bounds `timestamp` and `received_at`. Project and
timestamp are the primary key; tables are partitioned by `received_at`, and a timestamp is at most 10 minutes later.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from gateway.query.logs.cursor import PLACE_COLUMNS, Place
from gateway.query.logs.filters import LogQuery
from gateway.query.times import clamp
from shared.formats.values import LEAD_US
from shared.signals.logs import LOGS

_LIMITS = {column.name: column.limit for column in LOGS.columns}
_UNPLAIN_NUMBER = re.compile(r"-0|-?(?:0|[1-9]\d*)(?=[.eE])(?:\.\d+)?(?:[eE][-+]?\d+)?", re.ASCII)
"""A number that ClickHouse may write differently than the JSON does: `3.0`, `1e3`. It is compared as a number."""

_TOKENS = r'"(?:[^"\\\\]|\\\\.)*"|[^"\\s,:\\[\\]{}]+|[\\s,:\\[\\]{}]+'
_SURROGATES = r"(\\\\\\\\|\\\\u[dD][89abAB]..\\\\u[dD][c-fC-F]..)|\\\\u[dD][89a-fA-F].."
_NUMBER = "if(match(token, '^-?[0-9]') AND NOT isFinite(toFloat64OrZero(token)), concat('\"', token, '\"'), token)"
_TOKEN = f"if(startsWith(token, '\"'), replaceRegexpAll(token, '{_SURROGATES}', '\\\\1'), {_NUMBER})"
_READABLE = (
    f"if(isValidJSON(attributes), attributes,"
    f" arrayStringConcat(arrayMap(token -> {_TOKEN}, extractAll(attributes, '{_TOKENS}'))))"
)
"""The attributes as ClickHouse can read them: a number that no double holds as a text, and without lone surrogates.
Ingest passes both on without looking for them."""


@dataclass(frozen=True)
class Condition:
    """A part of a WHERE clause, and the values of its `%(name)s` placeholders."""

    sql: str
    values: dict[str, Any] = field(default_factory=dict)


def matching(project_id: str, query: LogQuery) -> list[Condition]:
    """The rows that a query counts: all of its conditions except its place in the order."""
    found = [Condition("project_id = %(project_id)s", {"project_id": project_id})]
    found += between(query.start, query.end)
    found += [_equal(name, value) for name, value in query.equal]
    if query.levels:
        found.append(Condition("level IN %(levels)s", {"levels": query.levels}))
    if query.search is not None:
        found.append(Condition("message ILIKE %(search)s", {"search": f"%{_literally(query.search)}%"}))
    if query.as_of is not None:
        found.append(Condition(query.as_of.sql, query.as_of.values))
    found += [_attribute(n, key, value) for n, (key, value) in enumerate(query.attributes)]
    return found


def between(start: int | None, end: int | None) -> list[Condition]:
    """Rows whose `timestamp` is in this range: microseconds, both inclusive."""
    found = []
    if start is not None:
        bounds = {"start": start, "arrived": clamp(start - LEAD_US)}
        found.append(Condition("timestamp >= fromUnixTimestamp64Micro(%(start)s)", bounds))
        found.append(Condition("received_at >= fromUnixTimestamp64Micro(%(arrived)s)"))
    if end is not None:
        found.append(Condition("timestamp <= fromUnixTimestamp64Micro(%(end)s)", {"end": end}))
    return found


def beyond(place: Place, *, descending: bool) -> list[Condition]:
    """The rows that come after a place: older ones if the newest come first, else newer ones."""
    compared = "<" if descending else ">"
    values = {f"place_{n}": value for n, value in enumerate(place)}
    times = [f"fromUnixTimestamp64Micro(%(place_{n})s)" for n in (0, 1)]
    rest = [f"%(place_{n})s" for n in range(2, len(place))]
    return [
        Condition(f"timestamp {compared}= {times[0]}", values),  # the primary key can't use the tuple below
        Condition(f"({', '.join(PLACE_COLUMNS)}) {compared} ({', '.join(times + rest)})"),
    ]


def _literally(text: str) -> str:
    """The LIKE pattern that matches only this text."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _equal(column: str, value: str) -> Condition:
    """Compared as it was stored: NUL replaced, cut at the column's limit (contracts.md, "Numbers and text")."""
    return Condition(f"`{column}` = %({column})s", {column: value.replace("\0", "\ufffd")[: _LIMITS[column]]})


def _attribute(n: int, key: str, value: str) -> Condition:
    """`attr.<key>=<value>`: the scalar under the literal key, else under the key as a dotted path, by its text.

    ClickHouse looks a path up quickly, but takes the first of equal keys, and finds nothing in JSON with a number that
    no double holds. Attributes that may have either are looked at step by step.
    """
    name = f"attr_{n}"
    parts = [f"%({name})s"]
    values: dict[str, Any] = {name: key, f"{name}_value": value}
    if "." in key:
        values |= {f"{name}_{i}": part for i, part in enumerate(key.split("."))}
        parts = [f"%({name}_{i})s" for i in range(key.count(".") + 1)]
    keys = dict.fromkeys((key, *key.split(".")))
    values |= {f"{name}_key_{i}": f'"{each}"' for i, each in enumerate(keys)}
    twice = [f"countSubstrings(attributes, %({name}_key_{i})s) > 1" for i in range(len(keys))]
    odd = " OR ".join((*twice, "position(attributes, '\\\\') > 0", "NOT isValidJSON(attributes)"))
    sql = f"if({odd}, {_step_by_step(parts, name, value)}, {_at_once(parts, name, value)})"
    if _UNPLAIN_NUMBER.fullmatch(value):
        values[f"{name}_number"] = f"[{value}]"
    else:
        # Unless the JSON has escapes, it contains the scalar's text as it is. Looking for that first is twice as fast.
        sql = f"(position(attributes, %({name}_value)s) > 0 OR position(attributes, '\\\\') > 0) AND {sql}"
    return Condition(sql, values)


def _at_once(parts: list[str], name: str, value: str) -> str:
    """The condition for JSON without equal keys."""
    literal, below = f"attributes, %({name})s", f"attributes, {', '.join(parts)}"
    sql = _scalar_is(literal, f"JSONHas({literal})", name, value)
    if len(parts) == 1:
        return sql
    return f"if(JSONHas({literal}), {sql}, {_scalar_is(below, f'JSONHas({below})', name, value)})"


def _step_by_step(parts: list[str], name: str, value: str) -> str:
    """The condition for any JSON: at each step of the path the last of equal keys."""
    literal, below = _last(f"%({name})s"), _last(", ".join(parts))
    sql = _scalar_is(literal, f"notEmpty({literal})", name, value)
    if len(parts) == 1:
        return sql
    return f"if(notEmpty({literal}), {sql}, {_scalar_is(below, f'notEmpty({below})', name, value)})"


def _last(parts: str) -> str:
    """The JSON text at the end of a path; '' if there is nothing."""
    step = "arrayLast(pair -> pair.1 = key, JSONExtractKeysAndValuesRaw(found)).2"
    return f"arrayFold((found, key) -> {step}, [{parts}], {_READABLE})"


def _scalar_is(where: str, exists: str, name: str, value: str) -> str:
    """Whether the value at a place is a scalar of this text."""
    kind, text = f"JSONType({where})", f"JSONExtractString({where})"
    sql = f"({kind} NOT IN ('Object', 'Array', 'Null') AND {text} = %({name}_value)s)"
    if _UNPLAIN_NUMBER.fullmatch(value):
        number = f"JSONExtractString(%({name}_number)s, 1)"
        sql = f"({sql} OR ({kind} IN ('Int64', 'UInt64', 'Double') AND {text} = {number}))"
    if value == "null":
        sql = f"({sql} OR ({exists} AND {kind} = 'Null'))"
    return sql
