"""The logs around one, as they are shown in its opened row (pages.md, "Logs")."""

import asyncio
from typing import NamedTuple, get_args

import msgspec

from gateway.query.as_of import AsOf
from gateway.query.asked import Asked
from gateway.query.logs.at import range_around
from gateway.query.logs.context import By, Context, ContextQuery, find_context
from gateway.query.logs.fields import LANGUAGE
from gateway.query.logs.outward import REACH_US
from gateway.query.pages.stored_log import StoredLog
from gateway.query.pages.view import View
from gateway.query.parameters import Parameters
from gateway.query.place import Place, decode_place
from gateway.query.reader import Cramped, TooBig
from gateway.query.times import parse_time
from gateway.rejections import Unavailable

NEAR = 20
"""Logs on each side."""

BYS: tuple[By, ...] = get_args(By)

_INCLUDED = ("service",)
_decode = msgspec.json.Decoder().decode


class Around(NamedTuple):
    """All lists together are in the order of time. `value`: what the logs have in common. `problem`: why they are not
    there; '' where they are. `start`, `end`: from where to where it was looked, microseconds."""

    by: By
    value: str = ""
    before: tuple[StoredLog, ...] = ()
    after: tuple[StoredLog, ...] = ()
    start: int = 0
    end: int = 0
    problem: str = ""


def parse_around(given: Parameters) -> By | None:
    """What can't be used becomes an issue of `given`."""
    return given.choice("around", BYS, "service") if given.text("around") else None


async def find_around(view: View, place: Place, by: By, as_of: AsOf | None) -> Around:
    """What fails says so in its own place. Raises `LogNotFound`."""
    asked = Asked(range_around(place, REACH_US), as_of=as_of, tables=(LANGUAGE.table,))
    query = ContextQuery(asked, place, by, NEAR, NEAR, _INCLUDED)
    try:
        found = await find_context(view.deps.reader, view.project.project_id, query)
    except (TooBig, Cramped, Unavailable):
        return Around(by, problem="The logs around it can't be read now: try again in a few seconds.")
    return await asyncio.to_thread(_shown, found)


def _shown(found: Context) -> Around:
    return Around(
        by=found.by,
        value=found.value or "",
        before=tuple(map(_stored, found.before)),
        after=tuple(map(_stored, found.after)),
        start=parse_time(found.searched.start),
        end=parse_time(found.searched.end),
    )


def _stored(log: msgspec.Raw) -> StoredLog:
    columns = _decode(log)
    place = decode_place(columns["ref"])
    return StoredLog(columns["ref"], place.timestamp, place.received_at, columns)
