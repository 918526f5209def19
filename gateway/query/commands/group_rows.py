"""Groups of errors as lines of a table."""

from collections.abc import Sequence

from gateway.query.commands.table import Cell, Column, Row
from gateway.query.commands.told import short_time
from gateway.query.errors.group import ErrorGroup
from shared.commands.visible import visible
from shared.error_states import OPEN

SHORT = 8
"""Characters of a fingerprint in a terminal: enough to ask for its group."""

TREND_FROM = 110
"""Cells of a terminal that has room for the trend."""

_SECONDS = len("2026-01-15T10:30:00")
_BARS = "▁▂▃▄▅▆▇█"


class GroupRows:
    """Makes rows of groups. `width`: of the terminal, None for a pipe; `shown_from`: of `short_time`; `by_first`: with
    the time of the first error instead of the last."""

    def __init__(self, width: int | None, shown_from: int, *, by_first: bool) -> None:
        self._short = SHORT if width is not None else None
        self._shown_from = shown_from
        self._by_first = by_first
        self._has_trend = width is None or width >= TREND_FROM

    @property
    def columns(self) -> list[Column]:
        return [
            Column("first seen (UTC)" if self._by_first else "last seen (UTC)", _SECONDS),
            Column("errors", 10, right=True),
            Column("users", 8, right=True),
            *([Column("trend", 24)] if self._has_trend else []),
            Column("group", 64),
            Column("error"),
        ]

    def row(self, group: ErrorGroup) -> Row:
        moment = group.first_seen if self._by_first else group.last_seen
        return Row(
            [
                Cell(short_time(moment[:_SECONDS], self._shown_from), "dim"),
                Cell(f"{group.count:,}", "bold"),
                Cell(f"{group.users:,}"),
                *([Cell(bars(group.trend), "cyan")] if self._has_trend else []),
                Cell(visible(group.fingerprint[: self._short]), "yellow"),
                Cell(_said(group) + visible(title(group.type, group.message))),
            ]
        )


def _said(group: ErrorGroup) -> str:
    """What people have said of it, where that is not the usual."""
    said = [group.reopened or (group.status if group.status != OPEN.status else ""), group.assignee or ""]
    return "".join(f"[{visible(each)}] " for each in said if each)


def title(kind: str, message: str) -> str:
    """What an error says of itself."""
    return f"{kind}: {message}" if kind and message else kind or message


def bars(counts: Sequence[int]) -> str:
    """A bar for each count, the highest for the largest, a dot for none."""
    most = max(counts, default=0)
    return "".join(_BARS[(count * len(_BARS) - 1) // most] if count else "·" for count in counts)
