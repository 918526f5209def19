"""Values of records -> values of columns, a whole column at a time (08: a call for each value costs too much)."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from shared.formats.base import Rows
from shared.signals.base import Table

LEAD_US = 10 * 60 * 1_000_000
"""How far after `received_at` a timestamp may lie; a later one is a wrong clock (03, "Time")."""

EARLIEST_US = -2_208_988_800_000_000
LATEST_US = 10_413_791_999_999_999
"""What DateTime64(6) holds: 1900-01-01 to 2299-12-31."""

WHOLE_MAX = 2**53 - 1

_FAR_MS = 1e15
"""Far outside of every column, and far inside of what can be multiplied."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)

Moment = datetime | float | str | None
"""A time as sent: a datetime (naive: UTC), Unix seconds (over 1e11: milliseconds), or absent."""


def microseconds(moment: datetime | float) -> int:
    """Microseconds since the epoch."""
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _US
    if abs(moment) > 1e11:
        return round(max(-_FAR_MS, min(moment, _FAR_MS)) * 1_000)
    return round(moment * 1_000_000)


def times(rows: Rows, sent: Sequence[datetime | float | None], name: str = "timestamp") -> list[int]:
    """One time a row, microseconds; absent, too late or impossible ones become `received_at`, the original noted."""
    out = [
        received if moment is None else microseconds(moment)
        for moment, received in zip(sent, rows.received_at, strict=True)
    ]
    for row, (moment, received) in enumerate(zip(out, rows.received_at, strict=True)):
        if not EARLIEST_US <= moment <= LATEST_US or moment > received + LEAD_US:
            out[row] = received
            original = sent[row]
            rows.note(row, name, original.isoformat() if isinstance(original, datetime) else original)
    return out


def whole(rows: Rows, sent: Iterable[float], name: str) -> list[int]:
    """Counts and durations: rounded half up as `Math.round` does, clamped to 2^53 - 1, the original noted."""
    out = []
    for row, value in enumerate(sent):
        floor = int(value)
        rounded = floor + (value - floor >= 0.5)
        if rounded > WHOLE_MAX:
            rows.note(row, name, value)
            rounded = WHOLE_MAX
        out.append(rounded)
    return out


def raw_text(sent: Iterable[msgspec.Raw]) -> list[bytes]:
    """JSON text exactly as it was sent; b'' where it was not."""
    return [bytes(raw) for raw in sent]


def limit_text(table: Table, columns: dict[str, list[Any]], rows: Rows) -> None:
    """Cut, in place, what is longer than its column's limit, and note the whole value."""
    for column in table.columns:
        limit, values = column.limit, columns.get(column.name)
        if limit is None or values is None or not values or max(map(len, values)) <= limit:
            continue
        columns[column.name] = [value[:limit] for value in values]
        for row, value in enumerate(values):
            if len(value) > limit:
                rows.note(row, column.name, value)
