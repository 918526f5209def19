"""Which columns of the logs table an answer has, and how each is selected, written as JSON and described."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from gateway.query.place import encode_place
from gateway.query.stored import json_of, text_of
from gateway.query.times import format_time
from shared.signals.base import TIME
from shared.signals.logs import LOGS

KEYS = (
    "timestamp",
    "level",
    "message",
    "template",
    "attributes",
    "trace_id",
    "span_id",
    "user_id",
    "account_id",
    "logger_name",
    "file_path",
    "line_number",
    "function_name",
)
"""The 13 keys of every log, in the order of the Proliferate API's document (contracts.md, "Reading logs")."""

REF = "ref"
"""Where a log is: the text that `/logs/{ref}` takes. No column of the table; it is made of the place."""

COLUMNS = (*KEYS, *(name for name in LOGS.column_names if name not in KEYS))
"""All columns, in the order of an answer."""

INCLUDABLE = (*COLUMNS[len(KEYS) :], REF)
"""What `include` may name: all that is not in `KEYS`."""

_PLACE = (
    "(toUnixTimestamp64Micro(timestamp), toUnixTimestamp64Micro(received_at), _partition, _offset, _index,"
    " toString(_topic))"
)
_JSON_OBJECTS = frozenset({"user", "account", "extra", "resource"})
_TYPES = {column.name: column.type for column in LOGS.columns} | {REF: "Tuple"}
_HELP = {column.name: column.help for column in LOGS.columns} | {REF: "Where it is, for `/logs/{ref}`."}
_NO_ATTRIBUTES = msgspec.Raw(b"{}")

_encode = msgspec.json.Encoder().encode

Cell = Callable[[Any], Any]


def selected(name: str) -> str:
    """The expression of a column in a SELECT. Times come as microseconds, because datetime objects are slow."""
    if name == REF:
        return _PLACE
    if name == "resource":  # one that was cut is no JSON any more: `extra` has all of it
        return "if(isValidJSON(resource), resource, '')"
    return f"toUnixTimestamp64Micro(`{name}`)" if _TYPES[name] == TIME else f"`{name}`"


def is_time(name: str) -> bool:
    """Whether a column's values are times."""
    return _TYPES[name] == TIME


def has_text(name: str) -> bool:
    """Whether a column's values may be large."""
    return "String" in _TYPES[name]


def render(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The JSON object of each row, made when it is asked for. Columns beyond the names are left out.

    Row by row: one call for all of them would hold the interpreter, and with it the event loop, all the time.
    """
    cells = [_cell(name) for name in names]
    for row in rows:
        yield _encode({name: cell(value) for name, cell, value in zip(names, cells, row, strict=False)})


def _cell(name: str) -> Cell:
    """How a column's value is written. Absent values are null."""
    if _TYPES[name] == TIME:
        return format_time
    if name == REF:
        return encode_place
    if name == "attributes":
        return lambda text: json_of(text) if text else _NO_ATTRIBUTES
    if name in _JSON_OBJECTS:
        return lambda text: json_of(text) if text else None
    if name == "line_number":
        return lambda number: number or None
    if name in ("level", "message"):
        return text_of
    if "String" in _TYPES[name]:
        return lambda text: text_of(text) if text else None
    return lambda number: number


def schema_of(name: str) -> dict[str, Any]:
    """The JSON schema of a column's value in the answer."""
    if _TYPES[name] == TIME:
        return {"type": "string", "format": "date-time"}
    if name == "attributes":
        return {"type": "object"}
    if name in _JSON_OBJECTS:
        return {"type": ["object", "null"]}
    if name == "line_number":
        return {"type": ["integer", "null"]}
    if name in ("level", "message", REF):
        return {"type": "string"}
    return {"type": ["string", "null"]} if "String" in _TYPES[name] else {"type": "number"}


def schema_of_log(names: Sequence[str], optional: Iterable[str] = (), **more: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of a log that has these columns. `more`: further fields, which it always has."""
    properties = {name: schema_of(name) | {"description": _HELP[name]} for name in (*names, *optional)}
    required = [*names, *more]
    return {"type": "object", "properties": properties | more, "required": required, "additionalProperties": False}
