"""The log at a place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.query.language import Condition
from gateway.query.logs.columns import REF, render, selected
from gateway.query.parameters import Parameters
from gateway.query.place import Place, decode_place
from gateway.query.range import Range
from gateway.query.reader import Reader, Rows
from gateway.query.refusals import LogNotFound
from gateway.query.source import Source
from gateway.query.times import clamp
from shared.signals.logs import LOGS


@dataclass(frozen=True)
class LogAt:
    """`shown`: its JSON. `values`: its columns as they were selected; times are microseconds."""

    place: Place
    shown: msgspec.Raw
    values: Mapping[str, Any]


def place_in_path(given: Parameters) -> Place | None:
    """The place that the path's `ref` names; None for a text that names none, where no log is found."""
    try:
        return decode_place(given.in_path(REF))
    except ValueError:
        return None


def range_around(place: Place | None, us: int = 0) -> Range:
    """From so many microseconds before a place to as many after it."""
    moment = place.timestamp if place else 0
    return Range(clamp(moment - us), clamp(moment + us))


async def find_at(
    reader: Reader, project_id: str, place: Place | None, names: Sequence[str], more: Sequence[str] = ()
) -> LogAt:
    """The log at a place, shown with the columns `names`; `values` has `more`, too. Raises `LogNotFound`,
    `Unavailable`."""
    if place is None:
        raise LogNotFound

    columns = (*names, *more)

    def made(rows: Rows) -> list[LogAt]:
        shown = map(msgspec.Raw, render(names, rows))
        return [LogAt(place, log, dict(zip(columns, row, strict=True))) for log, row in zip(shown, rows, strict=True)]

    source = Source.of(reader.database, LOGS.name, project_id, [_at(place)])
    found = await source.read(reader, made, ", ".join(map(selected, columns)), "LIMIT 1")
    if not found:
        raise LogNotFound
    return found[0]


def _at(place: Place) -> Condition:
    """Column by column: neither the primary key nor the table's partitions are found through a tuple."""
    times = [f"{name} = fromUnixTimestamp64Micro(%({name})s)" for name in ("timestamp", "received_at")]
    numbers = ["_partition = %(message_partition)s", "_offset = %(message_offset)s", "_index = %(record_index)s"]
    values = place._asdict() | {"message_partition": place.partition}
    return Condition(" AND ".join([*times, *numbers, "_topic = %(topic)s"]), values)
