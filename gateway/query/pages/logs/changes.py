"""The tab Changes: patterns that are new, gone, or much more or less frequent (pages.md, "Logs")."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from gateway.query.language import Node
from gateway.query.logs.patterns.changes import Change, ChangesQuery, find_changes, parse_changes
from gateway.query.pages.logs.choices import KEEPS, parse_choices
from gateway.query.pages.logs.finding import pick_found
from gateway.query.pages.logs.frame import complete_of, find_frame
from gateway.query.pages.logs.pattern_text import pattern_pieces
from gateway.query.pages.page import Page
from gateway.query.pages.text import Piece
from gateway.query.pages.view import View
from gateway.query.times import clamp, format_time, parse_time
from gateway.query.together import together

LIMIT = 100
_DAY_US = 86_400_000_000
_BEFORE = (("A day before", _DAY_US), ("A week before", 7 * _DAY_US))


class Row(NamedTuple):
    """`times`: how many times as frequent, as text; '' where it can't be told."""

    change: Change
    pieces: list[Piece]
    level: str
    times: str
    links: dict[str, str]


async def _find(view: View) -> Mapping[str, Any]:
    choices = parse_choices(view.given)
    query = msgspec.structs.replace(parse_changes(view.given), limit=LIMIT)
    complete = await complete_of(view, query.asked)
    found, frame = await together(
        find_changes(view.deps.reader, view.project.project_id, query),
        find_frame(view, query.asked, choices, complete),
    )
    tree, words = query.asked.q, frame["words"]
    return {
        **frame,
        "found": found,
        "rows": await asyncio.to_thread(lambda: [_row(view, tree, words, each) for each in found.changes]),
        "baseline": (parse_time(found.baseline.start), parse_time(found.baseline.end)),
        "baselines": _baselines(view, query),
    }


def _row(view: View, tree: Node, words: Sequence[str], change: Change) -> Row:
    return Row(
        change=change,
        pieces=pattern_pieces(change.pattern, words),
        level=change.levels[-1] if change.levels else "",
        times=times_of(change.factor),
        links=pick_found(view, tree, change.q),
    )


def times_of(factor: float | None) -> str:
    """`4.2 times`, `a fifth of it`: how many times as frequent."""
    if not factor:
        return ""
    return f"{factor:,.1f} ×" if factor >= 1 else f"1/{1 / factor:,.1f}"


def _baselines(view: View, query: ChangesQuery) -> list[tuple[str, str, bool]]:
    """(text, address, whether it is the one)"""
    start, end = query.asked.range
    given = view.request.query_params.get("baseline") or "previous"
    ends = view.picker(query.asked.range).ends(start, end)
    found = [("Right before", view.url(), given == "previous")]
    for text, by in _BEFORE:
        baseline = f"{format_time(clamp(start - by))}/{format_time(clamp(end - by))}"
        # The range is named with both ends: the baseline would not move with it.
        found.append((text, view.url(**ends, last=None, baseline=baseline), given == baseline))
    return found


CHANGES = Page("logs/changes", "logs_changes.html", _find, keeps=KEEPS, for_agents=True, saves=True)
