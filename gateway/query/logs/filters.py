"""Which logs are meant: the parameters of the read API, and the WHERE clause they make.

Every clause begins with the project and, where times are given, bounds `timestamp` and `received_at`: the first two are
the primary key, the third is what tables are partitioned by (a timestamp is never later than `received_at` + 10 min).
"""

import re
from dataclasses import dataclass, field
from typing import Any

from gateway.query.logs.columns import INCLUDABLE
from gateway.query.logs.cursor import PLACE_COLUMNS, Place, decode_place
from gateway.query.parameters import Parameters
from gateway.query.times import clamp, parse_time
from shared.formats.values import LEAD_US
from shared.signals.logs import LOGS

LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
MAX_LIMIT = 1000
MAX_OFFSET = 100_000

MAX_ATTRIBUTES = 50
"""Most `attr.` parameters, and most parts of a dotted path: each is a term for ClickHouse to parse."""

EQUAL = ("trace_id", "service", "environment", "release", "user_id", "account_id", "logger_name", "template")
"""Columns that a parameter of the same name is compared with."""

_LIMITS = {column.name: column.limit for column in LOGS.columns}
_UNPLAIN_NUMBER = re.compile(r"-0|-?(?:0|[1-9]\d*)(?=[.eE])(?:\.\d+)?(?:[eE][-+]?\d+)?", re.ASCII)
"""A number that ClickHouse writes in another way than JSON may: `3.0`, `1e3`. It is compared as a number."""


@dataclass(frozen=True)
class Condition:
    """A part of a WHERE clause and the values of its `%(name)s`."""

    sql: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LogQuery:
    """One page of logs. Times in microseconds, both inclusive."""

    levels: tuple[str, ...] = ()
    search: str | None = None
    start: int | None = None
    end: int | None = None
    equal: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    limit: int = 100
    offset: int = 0
    after: Place | None = None
    include: tuple[str, ...] = ()


def parse_log_query(given: Parameters) -> LogQuery:
    """The page that a request asks for. Raises `BadQuery` naming every parameter that can't be used."""
    iso = ("datetime_from_date_parsing", "a valid datetime or date")
    query = LogQuery(
        levels=tuple(given.words("levels", LEVELS, _level)),
        search=given.text("search"),
        start=given.parsed("start_time", parse_time, *iso),
        end=given.parsed("end_time", lambda text: parse_time(text, whole_day=True), *iso),
        equal=tuple((name, value) for name in EQUAL if (value := given.text(name)) is not None),
        attributes=tuple(_attributes(given)),
        limit=given.integer("limit", 100, least=1, most=MAX_LIMIT),
        offset=given.integer("offset", 0, least=0, most=MAX_OFFSET),
        after=given.parsed("cursor", decode_place, "value_error", "a valid cursor"),
        include=tuple(given.words("include", INCLUDABLE)),
    )
    if query.start is not None and query.end is not None and query.start > query.end:
        late = given.text("start_time") or ""
        given.refuse("start_time", "value_error", "Value error, start_time is after end_time", late)
    if query.after is not None and query.offset:
        given.refuse("offset", "value_error", "Value error, give offset or cursor, not both", str(query.offset))
    given.finish()
    return query


def parse_include(given: Parameters) -> tuple[str, ...]:
    """The columns that the logs of an error are asked with. Raises `BadQuery`."""
    include = tuple(given.words("include", INCLUDABLE))
    given.finish()
    return include


def matching(project_id: str, query: LogQuery) -> list[Condition]:
    """The rows that a query counts: all of its conditions but its place in the order."""
    found = [Condition("project_id = %(project_id)s", {"project_id": project_id})]
    found += between(query.start, query.end)
    found += [_equal(name, value) for name, value in query.equal]
    if query.levels:
        found.append(Condition("level IN %(levels)s", {"levels": query.levels}))
    if query.search is not None:
        found.append(Condition("message ILIKE %(search)s", {"search": f"%{_literally(query.search)}%"}))
    found += [_attribute(n, key, value) for n, (key, value) in enumerate(query.attributes)]
    return found


def between(start: int | None, end: int | None) -> list[Condition]:
    """Bounds of `timestamp`, microseconds, both inclusive."""
    found = []
    if start is not None:
        bounds = {"start": start, "arrived": clamp(start - LEAD_US)}
        found.append(Condition("timestamp >= fromUnixTimestamp64Micro(%(start)s)", bounds))
        found.append(Condition("received_at >= fromUnixTimestamp64Micro(%(arrived)s)"))
    if end is not None:
        found.append(Condition("timestamp <= fromUnixTimestamp64Micro(%(end)s)", {"end": end}))
    return found


def older_than(place: Place) -> list[Condition]:
    """The rows that come after a place, newest first."""
    values = {f"place_{n}": value for n, value in enumerate(place)}
    times = [f"fromUnixTimestamp64Micro(%(place_{n})s)" for n in (0, 1)]
    rest = [f"%(place_{n})s" for n in range(2, len(place))]
    return [
        Condition(f"timestamp <= {times[0]}", values),  # the primary key understands this one
        Condition(f"({', '.join(PLACE_COLUMNS)}) < ({', '.join(times + rest)})"),
    ]


def _attributes(given: Parameters) -> list[tuple[str, str]]:
    found = given.with_prefix("attr.")
    for n, (key, value) in enumerate(found):
        if n == MAX_ATTRIBUTES:
            message = f"Value error, give at most {MAX_ATTRIBUTES} attributes"
            given.refuse(f"attr.{key}", "value_error", message, value)
        if key.count(".") >= MAX_ATTRIBUTES:
            message = f"Value error, a path has at most {MAX_ATTRIBUTES} parts"
            given.refuse(f"attr.{key}", "value_error", message, value)
    return found


def _level(given: str) -> str:
    level = given.lower()
    return "warn" if level == "warning" else level


def _literally(text: str) -> str:
    """Text as a LIKE pattern that matches only itself."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _equal(column: str, value: str) -> Condition:
    """Compared as it was stored: NUL replaced, cut at the column's limit (03, "Numbers and text")."""
    return Condition(f"`{column}` = %({column})s", {column: value.replace("\0", "\ufffd")[: _LIMITS[column]]})


def _attribute(n: int, key: str, value: str) -> Condition:
    """`attr.<key>=<value>`: the scalar under the literal key, else under the key as a dotted path, by its text."""
    name = f"attr_{n}"
    values: dict[str, Any] = {name: key, f"{name}_value": value}
    sql = _scalar_is(f"%({name})s", name, value)
    if "." in key:
        parts = {f"{name}_{i}": part for i, part in enumerate(key.split("."))}
        values |= parts
        below = _scalar_is(", ".join(f"%({part})s" for part in parts), name, value)
        sql = f"if(JSONHas(attributes, %({name})s), {sql}, {below})"
    if _UNPLAIN_NUMBER.fullmatch(value):
        values[f"{name}_number"] = f"[{value}]"
    else:
        # The text of a scalar stands in the JSON as it is, unless something there is escaped: twice as fast.
        sql = f"(position(attributes, %({name}_value)s) > 0 OR position(attributes, '\\\\') > 0) AND {sql}"
    return Condition(sql, values)


def _scalar_is(path: str, name: str, value: str) -> str:
    kind, text = f"JSONType(attributes, {path})", f"JSONExtractString(attributes, {path})"
    sql = f"({kind} NOT IN ('Object', 'Array', 'Null') AND {text} = %({name}_value)s)"
    if _UNPLAIN_NUMBER.fullmatch(value):
        number = f"JSONExtractString(%({name}_number)s, 1)"
        sql = f"({sql} OR ({kind} IN ('Int64', 'UInt64', 'Double') AND {text} = {number}))"
    if value == "null":
        sql = f"({sql} OR (JSONHas(attributes, {path}) AND {kind} = 'Null'))"
    return sql
