"""Logs as the pages have them: rows of the answers of `find_logs`, and one of them by its place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.query.logs.columns import INCLUDABLE
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.search import Found, find_logs
from gateway.query.place import Place, encode_place
from gateway.query.reader import Reader
from gateway.query.times import parse_time

PLACED = ("service", "received_at", "_topic", "_partition", "_offset", "_index")
"""What a list of logs asks for beside the usual columns: where each row stands."""

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True)
class StoredLog:
    """`ref`: its place, as text for addresses; `time`, `received`: microseconds."""

    ref: str
    time: int
    received: int
    columns: Mapping[str, Any]

    @property
    def level(self) -> str:
        return str(self.columns["level"])

    @property
    def message(self) -> str:
        return str(self.columns["message"])


def stored_logs(found: Found) -> list[StoredLog]:
    """To be called on a thread: the answer may be large. A row whose attributes are no JSON of ours takes no other
    with it: the answer's JSON was made by us."""
    return [_stored(columns) for columns in _decode(b"".join(found.body))["logs"]]


async def find_log(reader: Reader, project_id: str, place: Place) -> StoredLog | None:
    """The log at a place, with all columns; None where there is none (any more)."""
    # The first one that doesn't come before the place: no topic's name stands between a name and that with NUL.
    after = place._replace(topic=place.topic + "\0")
    query = LogQuery(start=place.timestamp, end=place.timestamp, after=after, limit=1, include=INCLUDABLE)
    logs = stored_logs(await find_logs(reader, project_id, query))
    return logs[0] if logs and logs[0].ref == encode_place(place) else None


def _stored(columns: Mapping[str, Any]) -> StoredLog:
    time, received = parse_time(columns["timestamp"]), parse_time(columns["received_at"])
    place = Place(time, received, columns["_partition"], columns["_offset"], columns["_index"], columns["_topic"])
    return StoredLog(encode_place(place), time, received, columns)
