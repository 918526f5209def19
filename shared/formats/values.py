"""Values of records -> values of columns, a whole column at a time (performance.md, "A whole column at a time")."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import repeat
from math import floor
from operator import floordiv, sub
from typing import Any

import msgspec
from msgspec.structs import astuple

from shared.formats.base import Columns, Rows
from shared.formats.sent_time import moment_of
from shared.signals.base import Table

LEAD_US = 10 * 60 * 1_000_000
"""How far after `received_at` a timestamp may lie; a later one comes from a wrong clock (contracts.md, "Time")."""

EARLIEST_US = -2_208_988_800_000_000
LATEST_US = 10_413_791_999_999_999
"""What DateTime64(6) holds: 1900-01-01 to 2299-12-31."""

WHOLE_MAX = 2**53 - 1

_FAR_MS = 1e15
"""Far beyond what a column holds, and far below where a multiplication overflows."""

_EXACT = 2**53
"""From here on a double holds no odd number."""

_SOON_S = 9e9
"""Until the year 2255: microseconds below `_EXACT`."""

_decode = msgspec.json.Decoder().decode

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)

Moment = str | float | datetime | list[str]
"""A time as sent: ISO 8601 or a datetime (naive: UTC), Unix seconds (over 1e11: milliseconds), or in a list the text
of a time that no datetime holds."""


def sent(rows: Rows) -> dict[str, Sequence[Any]]:
    """The fields of the records, structs of one type, each as a column. A comprehension for each field takes longer."""
    fields = rows.records[0].__struct_fields__
    return dict(zip(fields, zip(*map(astuple, rows.records), strict=True), strict=True))


def not_null(sent: Sequence[Any], empty: Any = "") -> Sequence[Any]:
    """A column with `empty` ('' or 0) for null. Most are full, or empty all over: then no value is touched."""
    if all(sent):
        return sent
    return [value or empty for value in sent] if any(sent) else (empty,) * len(sent)


def microseconds(moment: Moment) -> int:
    """Microseconds since the epoch; what is below one is cut, never rounded. Over `LATEST_US` for a time that no
    datetime holds."""
    if isinstance(moment, float | int):
        return _cut(max(-_FAR_MS, min(moment, _FAR_MS)), 1_000) if abs(moment) > 1e11 else _cut(moment, 1_000_000)
    if isinstance(moment, str):
        moment = moment_of(moment) or [moment]
    if isinstance(moment, list):
        return LATEST_US + 1
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _US


def thousandths(number: float) -> int:
    """How many thousandths are in a number: the microseconds of milliseconds."""
    return _cut(number, 1_000)


def _cut(number: float, parts: int) -> int:
    """How many parts of one are in a number, as its decimal digits say: 0.29 has 290,000 millionths, although a double
    is a little less than that."""
    nearest = round(number * parts)
    if abs(nearest) >= _EXACT:
        return floor(Decimal(repr(number)) * parts)
    return nearest - 1 if nearest / parts > number else nearest


def _cut_column(numbers: Sequence[float], parts: int) -> list[int]:
    """`_cut` of each."""
    nearest = [round(number * parts) for number in numbers]
    return [near - (near / parts > number) for near, number in zip(nearest, numbers, strict=True)]


def _column(sent: Sequence[Moment]) -> list[int]:
    """`microseconds` of each; of usual texts, and of Unix seconds, without a call for each."""
    try:
        if sent and isinstance(sent[0], float) and min(sent) >= -_SOON_S and max(sent) <= _SOON_S:  # type: ignore[operator]
            return _cut_column(sent, 1_000_000)  # type: ignore[arg-type]
        moments = map(datetime.fromisoformat, sent)  # type: ignore[arg-type]
        return list(map(floordiv, map(sub, moments, repeat(_EPOCH)), repeat(_US)))
    except (TypeError, ValueError):  # a number, no offset, or what only `moment_of` reads
        return [microseconds(moment) for moment in sent]


def times(rows: Rows, sent: Sequence[Moment | None], name: str = "timestamp") -> list[int]:
    """One time a row, microseconds; absent, too late or impossible ones become `received_at`, the original noted."""
    if None in sent:
        named = iter(_column([moment for moment in sent if moment is not None]))
        out = [
            received if moment is None else next(named) for moment, received in zip(sent, rows.received_at, strict=True)
        ]
    else:
        out = _column(sent)  # type: ignore[arg-type]  # None is not among them
    return plausible(rows, out, lambda row: _as_sent(sent[row]), name)


def plausible(rows: Rows, out: list[int], as_sent: Callable[[int], Any], name: str = "timestamp") -> list[int]:
    """Microseconds, in place; too late or impossible ones become `received_at`, the original noted."""
    if min(out) >= EARLIEST_US and max(out) <= min(min(rows.received_at) + LEAD_US, LATEST_US):
        return out
    for row, (moment, received) in enumerate(zip(out, rows.received_at, strict=True)):
        if not EARLIEST_US <= moment <= LATEST_US or moment > received + LEAD_US:
            out[row] = received
            rows.note(row, name, as_sent(row))
    return out


def _as_sent(moment: Moment | None) -> Any:
    if isinstance(moment, datetime):
        return moment.isoformat()
    return moment[0] if isinstance(moment, list) else moment


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


def clamped(rows: Rows, sent: Sequence[int], name: str, largest: int) -> Sequence[int]:
    """Integers >= 0, clamped to what the column holds, the original noted."""
    if max(sent) <= largest:
        return sent
    for row, value in enumerate(sent):
        if value > largest:
            rows.note(row, name, value)
    return [min(value, largest) for value in sent]


def raw_text(sent: Iterable[msgspec.Raw]) -> list[bytes]:
    """JSON text exactly as it was sent; b'' for a field that was not sent."""
    return list(map(bytes, sent))


def objects(sent: Iterable[msgspec.Raw]) -> list[bytes]:
    """The same, and b'' for null."""
    texts = raw_text(sent)
    return [b"" if text == b"null" else text for text in texts] if b"null" in texts else texts


def plain(raw: msgspec.Raw) -> Any:
    """The value of a JSON text; None for a number that no double holds."""
    try:
        return _decode(raw)
    except msgspec.ValidationError:
        return None


def limit_text(table: Table, columns: Columns, rows: Rows) -> None:
    """Make text fit its columns, in place: cut at the column's limit, the whole value noted, and U+FFFD for NUL. What
    is no text stays as it is."""
    for column in table.columns:
        values, limit = columns.get(column.name), column.limit
        if not values:
            continue
        if limit is not None and any(_is_long(value, limit) for value in values):
            _note_long(rows, column.name, values, limit)
            columns[column.name] = values = _shared(partial(_cut_text, limit), values)
        if any(isinstance(value, str) and "\0" in value for value in values):
            columns[column.name] = _shared(_without_nul, values)


def _shared(make: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """`make` of each; neighbours that are one text share what is made of it, or each row would have its own."""
    made = []
    before: Any = None
    after: Any = None
    for value in values:
        if value is not before:
            before, after = value, make(value)
        made.append(after)
    return made


def _cut_text(limit: int, value: Any) -> Any:
    return value[:limit] if _is_long(value, limit) else value


def _is_long(value: Any, limit: int) -> bool:
    return isinstance(value, (str, bytes)) and len(value) > limit


def _note_long(rows: Rows, name: str, values: Sequence[Any], limit: int) -> None:
    """Note what will be cut. What a request said once for all of its records is one text that all its rows share: it is
    noted with the first of them, or a thousand small logs under a service of a megabyte would take a gigabyte."""
    before = None
    for row, value in enumerate(values):
        if value is not before and _is_long(value, limit):
            rows.note(row, name, _without_nul(value))
        before = value


def _without_nul(value: Any) -> Any:
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
