"""Which columns of the errors table the answer has, and how each is written and described."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway.query.groups import COLUMN as FINGERPRINT
from gateway.query.stored import json_of, text_of
from gateway.query.times import format_time
from shared.signals.base import TIME
from shared.signals.errors import SIGNAL

KEYS = (
    "event_id",
    FINGERPRINT,
    "fingerprint_version",
    "fingerprint_parts",
    "type",
    "error_message",
    "stack_trace",
    "severity",
    "level",
    "handled",
    "service",
    "environment",
    "release",
    "timestamp",
    "received_at",
    "trace_id",
    "span_id",
    "digest",
    "vercel_id",
    "session_id",
    "window_id",
    "user_id",
    "user_email",
    "user",
    "account_id",
    "account_name",
    "account",
    "url",
    "user_agent",
    "platform",
    "format",
    "attributes",
    "breadcrumbs",
    "extra",
)
"""In the order of the answer."""

PLACE = {"topic": "_topic", "partition": "_partition", "offset": "_offset", "index": "_index"}
"""The coordinates of the record in the queue: key of `place` -> column."""

COLUMNS = (*KEYS, *PLACE.values())

_TYPES = {column.name: column.type for column in SIGNAL.table.columns}
_TEXTS = frozenset({"event_id", FINGERPRINT, "type", "error_message", "stack_trace", "severity", "format"})
"""Never absent; '' is a text."""

_JSON: Mapping[str, tuple[bytes, Any]] = {
    "fingerprint_parts": (b"null", ["array", "null"]),
    "attributes": (b"{}", "object"),
    "breadcrumbs": (b"[]", "array"),
    "user": (b"null", ["object", "null"]),
    "account": (b"null", ["object", "null"]),
    "extra": (b"null", ["object", "null"]),
}
"""Columns of JSON -> what stands for an empty one, and their type in JSON schema."""

Row = Mapping[str, Any]
"""The columns of one error by name."""


def select_list() -> str:
    """The expressions of a SELECT, in the order of `COLUMNS`. Times come as microseconds."""
    return ", ".join(f"toUnixTimestamp64Micro(`{name}`)" if _TYPES[name] == TIME else f"`{name}`" for name in COLUMNS)


def rendered(row: Row) -> dict[str, Any]:
    """The columns as the answer has them, ready to be encoded."""
    places = {key: _cell(column)(row[column]) for key, column in PLACE.items()}
    return {name: _cell(name)(row[name]) for name in KEYS} | {"place": places}


def _cell(name: str) -> Callable[[Any], Any]:
    if _TYPES[name] == TIME:
        return format_time
    if name == "handled":
        return bool
    if name in _JSON:
        empty = msgspec.Raw(_JSON[name][0])
        return lambda text: json_of(text) if text else empty
    if "String" in _TYPES[name]:
        return text_of if name in _TEXTS else lambda text: text_of(text) if text else None
    return int


def schema_of(name: str) -> dict[str, Any]:
    """The JSON schema of a column's value in the answer."""
    if _TYPES[name] == TIME:
        return {"type": "string", "format": "date-time"}
    if name == "handled":
        return {"type": "boolean"}
    if name in _JSON:
        return {"type": _JSON[name][1]}
    if "String" in _TYPES[name]:
        return {"type": "string" if name in _TEXTS else ["string", "null"]}
    return {"type": "integer", "minimum": 0}
