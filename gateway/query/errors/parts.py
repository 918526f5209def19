"""What the errors of a group are made up of: releases, services and so on, each with its count."""

from collections.abc import Mapping

import msgspec

from gateway.query.errors.rows import USER
from gateway.query.reader import Reader, Rows
from gateway.query.shape import Shape, Time
from gateway.query.source import Source

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


_SHAPE = Shape(
    Part, {"value": "part.2", "count": "count()", "first_seen": "min(timestamp)", "last_seen": "max(timestamp)"}
)
_PAIRS = ", ".join(f"('{name}', CAST({expression} AS String))" for name, expression in _EXPRESSIONS.items())


async def find_parts(reader: Reader, source: Source) -> Parts:
    return await source.read(
        reader,
        _parts,
        f"arrayJoin([{_PAIRS}]) AS part, {_SHAPE.select}",
        f"GROUP BY part ORDER BY part.1, count() DESC, part.2 LIMIT {MOST} BY part.1",
    )


def _parts(rows: Rows) -> Parts:
    found: dict[str, list[Part]] = {name: [] for name in _EXPRESSIONS}
    for (name, _), *values in rows:
        found[name].append(_SHAPE.row(values))
    return Parts(**found)
