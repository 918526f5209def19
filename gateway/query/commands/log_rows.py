"""Logs of an answer as lines of a table."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gateway.query.commands.lenient_json import read_json
from gateway.query.commands.table import Cell, Column, Row
from gateway.query.commands.told import short_time
from gateway.query.logs.columns import INCLUDABLE, KEYS
from gateway.query.logs.page import Page
from gateway.query.parameters import Parameters
from shared.commands.visible import visible, visible_lines

ATTRIBUTE = "attr."

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
"""Cells that a chosen column has at most: the more of them, and the narrower the terminal, the fewer."""


class Log(NamedTuple):
    """A log of an answer: its JSON, and what that says."""

    json: str
    members: dict[str, Any]


def logs_of(page: Page) -> list[Log]:
    return read_logs(b"".join(page.pieces))


def read_logs(pieces: bytes) -> list[Log]:
    """The logs of a JSON array without its brackets."""
    text = pieces.decode(errors="replace")
    logs, start = [], 0
    while start < len(text):
        members, end = read_json(text, start)
        logs.append(Log(text[start:end], members))
        start = end + len(",")
    return logs


def parse_columns(given: Parameters) -> list[str]:
    """`columns`: names of columns, and `attr.<key>`. What can't be used becomes an issue of `given`."""
    return given.words("columns", (*KEYS, *INCLUDABLE), prefix=ATTRIBUTE)


def table_columns(names: Sequence[str], width: int | None) -> list[Column]:
    """Time, level, these columns, and the message, for a terminal of this width."""
    most = _MANY if width is None else min(_MANY, max(_FEW, width // 5 // max(1, len(names))))
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
        message = log.members["message"]
        first, *below = visible_lines(message) if self._whole else [visible(message)]
        level = log.members["level"]
        return Row(
            [
                Cell(short_time(log.members["timestamp"], self._shown_from), "dim"),
                Cell(visible(level), LEVEL_STYLES.get(level, "")),
                *(Cell(visible(_value(log, name)), "cyan") for name in self._names),
                Cell(first),
            ],
            below,
        )


def _value(log: Log, name: str) -> str:
    if not name.startswith(ATTRIBUTE):
        return _text(log.members[name])
    key, attributes = name.removeprefix(ATTRIBUTE), log.members["attributes"]
    literal = _at(attributes, [key])
    return _text(_at(attributes, key.split(".")) if literal is None else literal)


def _at(value: Any, path: Sequence[str]) -> Any:
    """What stands at a path of keys; None for nothing."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    """A text itself, nothing for null, and the JSON of anything else."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
