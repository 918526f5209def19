"""What `sluice lag` prints, for people and for programs."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from shared.commands.common import print_json, wide_console
from shared.queue.base import QueueError
from shared.queue.lane_state import LaneState
from writer.lag import Lag
from writer.ops.lag.observer import LaneLag, total

Screen = Callable[[list[LaneLag] | QueueError], None]
"""Shows one observation, or why there is none."""


@contextmanager
def screen(visible: bool, as_json: bool) -> Iterator[Screen]:
    """For repeated observations: a table that is updated in place, lines of JSON, or errors only."""
    if visible and not as_json:
        with Live(console=wide_console(), auto_refresh=False) as live:
            yield lambda found: live.update(
                _trouble(found) if isinstance(found, QueueError) else table(found), refresh=True
            )
        return

    def show(found: list[LaneLag] | QueueError) -> None:
        if isinstance(found, QueueError):
            Console(stderr=True).print(_trouble(found), highlight=False, soft_wrap=True)
        elif visible:
            print_json(as_json_value(found))

    yield show


def show_once(lanes: list[LaneLag], as_json: bool) -> None:
    if as_json:
        print_json(as_json_value(lanes))
    else:
        wide_console().print(table(lanes))


def as_json_value(lanes: list[LaneLag]) -> dict[str, Any]:
    """What `--json` prints. `committed` is null for nothing, `drain_seconds` for never; `lost`: messages that retention
    took and no writer has noticed yet."""
    return {
        "lanes": [
            {
                "signal": each.signal.name,
                "topic": each.lane.topic,
                "partition": each.lane.partition,
                "committed": each.state.committed,
                "end": each.state.end,
                "lost": _lost(each.state),
                **_numbers(each.lag),
            }
            for each in lanes
        ],
        "totals": _numbers(total(lanes)),
    }


def _numbers(lag: Lag) -> dict[str, Any]:
    return {
        "lag_messages": lag.messages,
        "lag_seconds": round(lag.seconds, 3),
        "commit_rate": round(lag.commit_rate, 3),
        "arrival_rate": round(lag.arrival_rate, 3),
        "drain_seconds": None if math.isinf(lag.drain_s) else round(lag.drain_s, 3),
    }


def table(lanes: list[LaneLag]) -> Table:
    """One line a lane, and one for all of them."""
    made = Table("topic", "partition", "committed", "end", show_footer=True)
    made.columns[0].footer = "all"
    names = ("lag", "oldest", "committed/s", "arriving/s", "drained in")
    for name, footer in zip(names, _cells(total(lanes)), strict=True):
        made.add_column(name, footer)
    for column in made.columns[1:]:
        column.justify = "right"
    for each in lanes:
        made.add_row(
            escape(each.lane.topic),
            str(each.lane.partition),
            _committed(each.state),
            f"{each.state.end:,}",
            *_cells(each.lag),
        )
    return made


def _cells(lag: Lag) -> tuple[str, ...]:
    return (
        f"{lag.messages:,}",
        duration_text(lag.seconds),
        f"{lag.commit_rate:,.0f}",
        f"{lag.arrival_rate:,.0f}",
        "never at this rate" if math.isinf(lag.drain_s) else duration_text(lag.drain_s),
    )


def _committed(state: LaneState) -> str:
    if state.committed is None:
        return "nothing"
    lost = _lost(state)
    return f"{state.committed:,}" + (f" [red]({lost:,} lost)[/red]" if lost else "")


def _lost(state: LaneState) -> int:
    first, end = state.lost
    return end - first


def _trouble(error: QueueError) -> str:
    return f"[red]the queue can't be read:[/red] {escape(str(error))}"


def duration_text(seconds: float) -> str:
    """`0 s`, `0.3 s`, `12 s`, `5 min`, `3.4 h`, `2.1 d`."""
    if seconds == 0:
        return "0 s"
    for limit, size, text in ((10, 1, "{:.1f} s"), (120, 1, "{:.0f} s"), (7200, 60, "{:.0f} min")):
        if seconds < limit:
            return text.format(seconds / size)
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86400:.1f} d"
