"""Logs as the pages have them: rows of the answers of `find_logs`, and one of them by its place."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.query.asked import Asked
from gateway.query.language.field import ATTRIBUTE
from gateway.query.logs.at import range_around
from gateway.query.logs.detail import OneLogQuery, find_one_log
from gateway.query.logs.search import Found
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

    def cell(self, name: str) -> str:
        """The text in a column of the table, or of `attr.<key>`; '' for none."""
        if name.startswith(ATTRIBUTE):
            value = attribute_of(self.columns.get("attributes") or {}, name.removeprefix(ATTRIBUTE))
        else:
            value = self.columns.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def attribute_of(attributes: Mapping[str, Any], key: str) -> Any:
    """The value under the literal key, else under the key as a dotted path; None for none."""
    if key in attributes:
        return attributes[key]
    value: Any = attributes
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


def stored_logs(found: Found) -> list[StoredLog]:
    """To be called on a thread: the answer may be large. A row whose attributes are no JSON of ours takes no other
    with it: the answer's JSON was made by us."""
    return [_stored(columns) for columns in _decode(b"".join(found.body))["logs"]]


async def find_log(reader: Reader, project_id: str, place: Place) -> StoredLog:
    """The log at a place, with all columns. Raises `LogNotFound`, `Unavailable`."""
    found = await find_one_log(reader, project_id, OneLogQuery(Asked(range_around(place)), place))
    return StoredLog(found.ref, place.timestamp, place.received_at, _decode(found.log))


def _stored(columns: Mapping[str, Any]) -> StoredLog:
    time, received = parse_time(columns["timestamp"]), parse_time(columns["received_at"])
    place = Place(time, received, columns["_partition"], columns["_offset"], columns["_index"], columns["_topic"])
    return StoredLog(encode_place(place), time, received, columns)
