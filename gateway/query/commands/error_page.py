"""A group of errors on a terminal's page."""

from collections.abc import Iterator, Sequence

import msgspec

from gateway.query.commands.group_rows import bars, title
from gateway.query.commands.table import cut
from gateway.query.commands.terminal import Terminal
from gateway.query.commands.told import span
from gateway.query.errors.detail import ErrorDetail
from gateway.query.errors.parts import Part
from gateway.query.range import Range
from shared.commands.visible import visible, visible_lines
from shared.error_states import OPEN

MOST_PARTS = 5
"""Of each kind, those with most errors."""

MOST_LINES = 40
"""Of a stack."""

_NAME_CELLS = len("environments") + 2


def print_error(terminal: Terminal, found: ErrorDetail, range: Range, stack: str, *, whole: bool) -> None:
    """What it is, how often, where, and the stack of its newest error. `whole`: all of each."""
    newest = found.newest
    lines = visible_lines(title(newest.type, newest.message) if newest else "its newest error has just gone")
    terminal.write(terminal.painted(line, "bold red") for line in (lines if whole else lines[:1]))
    terminal.write([""])
    width = None if whole else terminal.width
    for name, value in _facts(found, range, None if whole else MOST_PARTS):
        text = value if width is None else cut(value, width - _NAME_CELLS)
        terminal.write([terminal.painted(name.ljust(_NAME_CELLS), "dim") + text])
    if stack:
        terminal.write(["", *_stack(stack, width, None if whole else MOST_LINES)])


def _facts(found: ErrorDetail, range: Range, most: int | None) -> Iterator[tuple[str, str]]:
    """Name and value."""
    within, ever = found.found, found.ever
    yield "group", visible(found.fingerprint)
    if others := found.members[1:]:
        yield "merged", visible(", ".join(others))
    state = found.state
    if state != OPEN:
        yield "status", visible(f"{state.status} {state.in_release or ''}".strip())
    if state.assignee:
        yield "assignee", visible(state.assignee)
    yield "found", f"{within.count:,} errors of {within.users:,} users {span(range)}"
    if within.count:
        yield "trend", bars(within.trend)
    yield "ever", f"{ever.count:,} errors, first {_second(ever.first_seen)}, last {_second(ever.last_seen)} UTC"
    if within.severity:
        yield "severity", visible(within.severity)
    for name in msgspec.structs.fields(found.parts):
        parts: list[Part] = getattr(found.parts, name.name)
        if any(part.value is not None for part in parts):
            yield name.name, _parts(parts, most)
    if found.newest is not None:
        yield "newest event", visible(found.newest.event_id)


def _parts(parts: Sequence[Part], most: int | None) -> str:
    shown = [f"{'none' if part.value is None else visible(part.value)} ({part.count:,})" for part in parts[:most]]
    return ", ".join(shown + (["…"] if len(parts) > len(shown) else []))


def _second(time: str) -> str:
    return time[:19].replace("T", " ")


def _stack(stack: str, width: int | None, most: int | None) -> Iterator[str]:
    lines = visible_lines(stack.rstrip("\n"))
    for line in lines[:most]:
        yield line if width is None else cut(line, width)
    if left := len(lines) - len(lines[:most]):
        yield f"… {left:,} more lines: --wide"
