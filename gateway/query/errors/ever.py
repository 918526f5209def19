"""What is known of a group of errors whatever the range. The rollup by hour answers it: it is sorted by group, so that
little is read of even the longest history."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gateway.query.errors.rows import NEWEST_FIRST
from gateway.query.groups import COLUMN, Grouping
from gateway.query.language import Condition
from gateway.query.range import within
from gateway.query.reader import Reader
from gateway.query.shape import Json, Shape, Time
from gateway.query.source import Source
from gateway.query.times import format_time
from shared.fingerprint import client_list
from shared.signals.errors import SIGNAL

_TABLE = SIGNAL.table.name


class Ever(msgspec.Struct, frozen=True):
    """Of all errors that are kept."""

    count: int
    first_seen: Time
    last_seen: Time


class Newest(msgspec.Struct, frozen=True):
    """The newest error of a group. `parts`: what its fingerprint was made of. `rule`: what chose them; null where the
    version has no rules."""

    event_id: str
    type: str
    message: str
    fingerprint_version: int
    rule: str | None
    parts: Json


class Known(NamedTuple):
    """`last_us`: when it was last seen, microseconds."""

    shown: Ever
    last_us: int


BY_CLIENT = "the list that its client sent"

_NEWEST = Shape(Newest, {"message": "error_message", "rule": "''", "parts": "fingerprint_parts"})


EVER = "count(), toUnixTimestamp64Micro(min(timestamp)), toUnixTimestamp64Micro(max(timestamp))"
"""It names no column that the rollup does not have."""

BEGINNINGS = f"{COLUMN}, toUnixTimestamp64Micro(min(timestamp))"
"""Nor does it."""


async def find_ever(reader: Reader, project_id: str, only: Condition) -> Known | None:
    """None of a group without errors. `only`: the condition for the rows of the group."""
    source = Source.of(reader.database, _TABLE, project_id, [only])
    [(count, first, last)] = await source.rows(reader, EVER)
    return Known(Ever(count, format_time(first), format_time(last)), last) if count else None


async def find_beginnings(reader: Reader, project_id: str, grouping: Grouping, heads: Sequence[str]) -> dict[str, int]:
    """Group -> when its first error of all that are kept happened, microseconds. Raises `TooBig`, `Unavailable`."""
    if not heads:
        return {}
    only = grouping.only(*heads)
    source = Source.of(reader.database, _TABLE, project_id, [Condition(only.text, only.values)])
    rows = await source.rows(reader, BEGINNINGS, f"GROUP BY {COLUMN}")
    found: dict[str, int] = {}
    for fingerprint, first in rows:
        head = grouping.head_of(fingerprint)
        found[head] = min(first, found.get(head, first))
    return found


async def find_newest(reader: Reader, project_id: str, only: Condition, moment: int) -> Newest | None:
    """The group's newest error, which happened at this moment, microseconds; None if it has gone in the meantime."""
    source = Source.of(reader.database, _TABLE, project_id, [*within(moment, moment), only])
    rows = await source.read(reader, _NEWEST.rows, _NEWEST.select, f"{NEWEST_FIRST} LIMIT 1")
    return msgspec.structs.replace(rows[0], rule=rule_of(rows[0].parts)) if rows else None


def rule_of(parts: msgspec.Raw) -> str | None:
    """What chose the parts of a fingerprint: it stands behind them from version 2 on (grouping.md, "Version 2"). A
    client's own list has nothing behind it."""
    try:
        found = msgspec.json.decode(parts)
    except msgspec.DecodeError:
        return None
    if isinstance(found, list) and found[:1] == [client_list.KIND]:
        return BY_CLIENT
    named = isinstance(found, list) and bool(found) and found[0] != "v1" and isinstance(found[-1], str)
    return found[-1] if named else None
