"""Which columns of the logs table an answer has, and how each is selected, written as JSON and described."""

import re
from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from typing import Any

import msgspec

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

INCLUDABLE = tuple(name for name in LOGS.column_names if name not in KEYS)
"""The columns that `include` may name: all others."""

_JSON_OBJECTS = frozenset({"user", "account", "extra"})
_TYPES = {column.name: column.type for column in LOGS.columns}
_NO_ATTRIBUTES = msgspec.Raw(b"{}")

_PERHAPS_HUGE = re.compile(rb"[eE]\+?\d{3}|\d{99}")
_STRING_OR_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*', re.DOTALL)

Cell = Callable[[Any], Any]


def select_list(names: Iterable[str]) -> str:
    """The expressions of a SELECT. Times come as microseconds, because datetime objects are slow."""
    return ", ".join(f"toUnixTimestamp64Micro(`{name}`)" if _TYPES[name] == TIME else f"`{name}`" for name in names)


def render(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """One JSON object for each row. Columns beyond the names are left out."""
    cells = [_cell(name) for name in names]
    return [{name: cell(value) for name, cell, value in zip(names, cells, row, strict=False)} for row in rows]


def _cell(name: str) -> Cell:
    """How a column's value is written. Absent values are null."""
    if _TYPES[name] == TIME:
        return format_time
    if name == "attributes":
        return lambda text: _json(text) if text else _NO_ATTRIBUTES
    if name in _JSON_OBJECTS:
        return lambda text: _json(text) if text else None
    if name == "line_number":
        return lambda number: number or None
    if name in ("level", "message"):
        return _text
    if "String" in _TYPES[name]:
        return lambda text: _text(text) if text else None
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
    if name in ("level", "message"):
        return {"type": "string"}
    return {"type": ["string", "null"]} if "String" in _TYPES[name] else {"type": "number"}


def _text(value: str | bytes) -> str:
    """The driver returns bytes for a value that isn't UTF-8. Only an INSERT from elsewhere can have stored one."""
    return value if isinstance(value, str) else value.decode(errors="replace")


def _json(value: str | bytes) -> msgspec.Raw:
    """Stored JSON unchanged, except that a number too large for a double becomes null: many parsers reject such a
    number, and one log would make a whole page unreadable. Ingest passes such numbers on without looking for them."""
    text = value.encode() if isinstance(value, str) else value
    return msgspec.Raw(_STRING_OR_NUMBER.sub(_held, text) if _PERHAPS_HUGE.search(text) else text)


def _held(found: re.Match[bytes]) -> bytes:
    token = found[0]
    return token if token.startswith(b'"') or isfinite(float(token)) else b"null"
