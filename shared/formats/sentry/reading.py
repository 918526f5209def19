"""Reads fields whatever they hold: one of another type than its column is absent for it
(sentry-rows.md, "Lenient reading")."""

from collections.abc import Callable, Sequence
from math import modf
from typing import Any, TypeVar

import msgspec

from shared.formats.base import Rows
from shared.formats.otlp.ids import is_id
from shared.formats.sent_time import any_time
from shared.formats.values import microseconds, plausible

T = TypeVar("T")

_CONTAINERS = (b"[", b"{")

Fields = dict[str, msgspec.Raw]

NOTHING = msgspec.Raw(b"null")

_FAR_S = 1e12
"""Far beyond what a column holds."""

_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""ValueError: not UTF-8."""

_decode = msgspec.json.Decoder(float_hook=float).decode
_decode_text = msgspec.json.Decoder(str).decode
_decode_fields = msgspec.json.Decoder(Fields).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


def value(raw: msgspec.Raw | None) -> Any:
    """The value; None for what can't be read. A number that no double holds is infinite."""
    try:
        return None if raw is None else _decode(raw)
    except _UNREADABLE:
        return None


def fields(raw: msgspec.Raw | None) -> Fields:
    """Those of an object, their values as they were sent; {} for anything else."""
    try:
        return {} if raw is None else _decode_fields(raw)
    except _UNREADABLE:
        return {}


def array(raw: msgspec.Raw | None) -> list[msgspec.Raw] | None:
    """The elements of an array; None for anything else."""
    try:
        return None if raw is None else _decode_array(raw)
    except _UNREADABLE:
        return None


def text(raw: msgspec.Raw | None) -> str:
    """A text; '' for anything else, which is not decoded first: it may be large."""
    try:
        return "" if raw is None else _decode_text(raw)
    except _UNREADABLE:
        return ""


def moment(raw: msgspec.Raw | None) -> int | None:
    """Microseconds since the epoch, of seconds or of ISO 8601; None for what is no time.

    Seconds are doubles, which hold no whole microseconds: the nearest one is meant.
    """
    if raw is None or memoryview(raw)[:1] in _CONTAINERS:
        return None
    sent = value(raw)
    if isinstance(sent, str):
        return None if any_time(sent) is None else microseconds(sent)
    if isinstance(sent, bool) or not isinstance(sent, int | float):
        return None
    part, whole = modf(max(-_FAR_S, min(sent, _FAR_S)))
    return int(whole) * 1_000_000 + round(part * 1_000_000)  # of the whole number the product would be rounded, too


def sent_time(raw: msgspec.Raw) -> msgspec.Raw | None:
    """The field itself, if it is a time."""
    return None if moment(raw) is None else raw


def moments(rows: Rows, sent: Sequence[msgspec.Raw | None], name: str = "timestamp") -> list[int]:
    """One time a row; absent, too late or impossible ones become `received_at`, the latter noted."""
    read = [moment(raw) for raw in sent]
    times = [received if each is None else each for each, received in zip(read, rows.received_at, strict=True)]
    return plausible(rows, times, sent.__getitem__, name)


def hex_id(raw: msgspec.Raw | None, size: int) -> str:
    """An id of so many bytes in lower-case hex; '' for anything else."""
    found = text(raw).lower()
    return found if is_id(found, size) else ""


def taken(rest: Fields, name: str, read: Callable[[msgspec.Raw], T | None]) -> T | None:
    """What a field says, and the field taken out; None for one that says nothing: it stays."""
    found = read(rest[name]) if name in rest else None
    if not found:
        return None
    del rest[name]
    return found


def with_values(rest: Fields) -> dict[str, Any]:
    """Those that are not null, for a row's `extra`."""
    return {name: raw for name, raw in rest.items() if bytes(raw) != b"null"}
