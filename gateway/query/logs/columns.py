"""Which columns of the logs table an answer has, and how each is selected, written as JSON and described."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
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

_LONG = re.compile(rb"\d{99}")
_EXPONENT = re.compile(rb"[eE]\+?\d{3}")
"""Also in every third UUID."""
_STRING_OR_NUMBER = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*', re.DOTALL)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

Cell = Callable[[Any], Any]


def select_list(names: Sequence[str], aliases: Sequence[str]) -> str:
    """The expressions of a SELECT. Times come as microseconds, because datetime objects are slow."""
    values = (f"toUnixTimestamp64Micro(`{name}`)" if _TYPES[name] == TIME else f"`{name}`" for name in names)
    return ", ".join(f"{value} AS {alias}" for value, alias in zip(values, aliases, strict=True))


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
    return msgspec.Raw(_STRING_OR_NUMBER.sub(_held, text) if _has_huge(text) else text)


def _has_huge(text: bytes) -> bool:
    """Whether JSON may hold a number that no double does. One decoding tells; the precise look is 30 times as dear."""
    if _LONG.search(text):
        return True
    if not _EXPONENT.search(text):
        return False
    try:
        _decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return True
    return False


def _held(found: re.Match[bytes]) -> bytes:
    token = found[0]
    return token if token.startswith(b'"') or isfinite(float(token)) else b"null"
