"""Logs of an answer as lines of a table."""

from collections.abc import Mapping, Sequence

import msgspec

from gateway.query.commands.table import Cell, Column, Row
from gateway.query.commands.told import short_time
from gateway.query.commands.visible import visible, visible_lines
from gateway.query.logs.columns import INCLUDABLE, KEYS
from gateway.query.logs.page import Page
from gateway.query.parameters import Parameters

ATTRIBUTE = "attr."
USUAL_COLUMNS = "service"

LEVEL_STYLES: Mapping[str, str] = {
    "trace": "dim",
    "debug": "dim",
    "info": "green",
    "warn": "yellow",
    "error": "red",
    "fatal": "bold white on red",
}

_LEVEL_CELLS, _TIME_CELLS = 5, 23
_FEW, _MANY = 8, 24
"""Cells that a chosen column has at most: the fewer columns, the more."""

Log = msgspec.Raw
"""The JSON of a log."""

_logs_of = msgspec.json.Decoder(list[msgspec.Raw]).decode
_members_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def logs_of(page: Page) -> list[Log]:
    return _logs_of(b"".join((b"[", *page.pieces, b"]")))


def parse_columns(given: Parameters) -> list[str]:
    """`columns`: names of columns, and `attr.<key>`. What can't be used becomes an issue of `given`."""
    return given.words("columns", (*KEYS, *INCLUDABLE), prefix=ATTRIBUTE)


def table_columns(names: Sequence[str]) -> list[Column]:
    """Time, level, these columns, and the message."""
    most = max(_FEW, _MANY // max(1, len(names) - 1))
    return [
        Column("time (UTC)", _TIME_CELLS),
        Column("level", _LEVEL_CELLS),
        *(Column(visible(name), most) for name in names),
        Column("message"),
    ]


class LogRows:
    """Makes rows of logs. `shown_from`: of `short_time`. With `whole` a message has all of its lines."""

    def __init__(self, names: Sequence[str], shown_from: int, *, whole: bool) -> None:
        self._names = names
        self._shown_from = shown_from
        self._whole = whole

    def row(self, log: Log) -> Row:
        members = _members_of(log)
        message = _text(members["message"])
        first, *below = visible_lines(message) if self._whole else [visible(message)]
        level = _text(members["level"])
        return Row(
            [
                Cell(short_time(_text(members["timestamp"]), self._shown_from), "dim"),
                Cell(visible(level), LEVEL_STYLES.get(level, "")),
                *(Cell(visible(_value(members, name)), "cyan") for name in self._names),
                Cell(first),
            ],
            below,
        )


def _value(members: Mapping[str, msgspec.Raw], name: str) -> str:
    if not name.startswith(ATTRIBUTE):
        return _text(members[name])
    key = name.removeprefix(ATTRIBUTE)
    return _text(
        _at(members["attributes"], [key]) or _at(members["attributes"], key.split(".")) or msgspec.Raw(b"null")
    )


def _at(value: msgspec.Raw, path: Sequence[str]) -> msgspec.Raw | None:
    """What stands at a path of keys."""
    found: msgspec.Raw | None = value
    for key in path:
        try:
            found = found and _members_of(found).get(key)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
    return found


def _text(value: msgspec.Raw) -> str:
    """A text itself, nothing for null, and the JSON of anything else."""
    try:
        found = msgspec.json.decode(value, type=str | None)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return bytes(value).decode(errors="replace")
    return found or ""
