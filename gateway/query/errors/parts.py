"""What the errors of a group are made up of: releases, services and so on, each with its count, and all of them."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from gateway.query.errors.rows import SEVERITY, USER
from gateway.query.range import Range
from gateway.query.reader import Reader, Rows
from gateway.query.shape import Shape, Time
from gateway.query.source import Source
from gateway.query.trend import PARTS, trend_sql

MOST = 20
"""Of each kind: those with most errors."""

_EXPRESSIONS: Mapping[str, str] = {
    "releases": "release",
    "services": "service",
    "environments": "environment",
    "levels": "level",
    "users": USER,
}


class Part(msgspec.Struct, frozen=True):
    """`value` is null for the errors without one."""

    value: str | None
    count: int
    first_seen: Time
    last_seen: Time


class Parts(msgspec.Struct, frozen=True):
    """The 20 of each with most errors. `users`: by id, else by address."""

    releases: list[Part]
    services: list[Part]
    environments: list[Part]
    levels: list[Part]
    users: list[Part]


class Totals(msgspec.Struct, frozen=True):
    """Of all of them. `trend`: errors in each 24th of the range."""

    count: int
    first_seen: Time | None
    last_seen: Time | None
    users: int
    severity: str | None
    trend: list[int]


class Broken(NamedTuple):
    totals: Totals
    parts: Parts


NOTHING = Totals(0, None, None, 0, None, [0] * PARTS)

_NAMES = [f"part_{n}" for n in range(len(_EXPRESSIONS))]
_SETS = ", ".join(["()", *(f"({name})" for name in _NAMES)])
_ALL = 2 ** len(_NAMES) - 1
_KINDS = {_ALL ^ (1 << n): name for n, name in enumerate(reversed(list(_EXPRESSIONS)))}
"""What `grouping` says of the rows of each kind: a bit for each part that they are not grouped by."""

_SHAPE = Shape(Part)


async def find_parts(reader: Reader, source: Source, range: Range) -> Broken:
    """In one reading: to find a group's errors among all others costs as much as to count them."""
    trend, values = trend_sql(range)
    named = ", ".join(
        f"CAST({sql} AS String) AS {name}" for name, sql in zip(_NAMES, _EXPRESSIONS.values(), strict=True)
    )
    counted = Shape(
        Totals,
        {
            "count": "count()",
            "first_seen": "min(timestamp)",
            "last_seen": "max(timestamp)",
            "users": f"uniqExactIf({_NAMES[-1]}, {_NAMES[-1]} != '')",
            "severity": SEVERITY,
            "trend": trend,
        },
    )
    return await source.read(
        reader,
        lambda rows: _broken(rows, counted),
        f"grouping({', '.join(_NAMES)}) AS kind, {named}, {counted.select}",
        f"GROUP BY GROUPING SETS ({_SETS}) ORDER BY kind, count() DESC, {', '.join(_NAMES)} LIMIT {MOST} BY kind",
        values,
    )


def _broken(rows: Rows, counted: Shape[Totals]) -> Broken:
    totals = NOTHING
    found: dict[str, list[Part]] = {name: [] for name in _EXPRESSIONS}
    for kind, *values in rows:
        names, counts = values[: len(_NAMES)], values[len(_NAMES) :]
        if kind != _ALL:
            found[_KINDS[kind]].append(_SHAPE.row(["".join(names), *counts]))
        elif counts[0]:
            totals = counted.row(counts)
    return Broken(totals, Parts(**found))
