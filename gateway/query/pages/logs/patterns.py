"""The tab Patterns: what the logs of the range say, as patterns with counts (pages.md, "Logs")."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from gateway.query.language import Node
from gateway.query.logs.patterns.patterns import Pattern, parse_patterns
from gateway.query.logs.patterns.patterns import find_patterns as find
from gateway.query.pages.chart import Bar, spark
from gateway.query.pages.logs.choices import KEEPS, parse_choices
from gateway.query.pages.logs.finding import pick_found
from gateway.query.pages.logs.frame import complete_of, find_frame
from gateway.query.pages.logs.pattern_text import pattern_pieces
from gateway.query.pages.page import Page
from gateway.query.pages.text import Piece
from gateway.query.pages.times import ago
from gateway.query.pages.view import View
from gateway.query.times import parse_time
from gateway.query.together import together

LIMIT = 100

SORTS = {"count": "Count", "new": "First seen", "last": "Last seen"}


class Row(NamedTuple):
    """`links`: to the rows of the pattern, and without them; empty where no query finds them."""

    pattern: Pattern
    pieces: list[Piece]
    bars: list[Bar]
    level: str
    first: str
    last: str
    links: dict[str, str]


async def _find(view: View) -> Mapping[str, Any]:
    choices = parse_choices(view.given)
    query = msgspec.structs.replace(parse_patterns(view.given), limit=LIMIT)
    complete = await complete_of(view, query.asked)
    found, frame = await together(
        find(view.deps.reader, view.project.project_id, query),
        find_frame(view, query.asked, choices, complete),
    )
    range = query.asked.range
    tree, words = query.asked.q, frame["words"]
    return {
        **frame,
        "found": found,
        "counted": (parse_time(found.counted.start), parse_time(found.counted.end)),
        "rows": await asyncio.to_thread(lambda: [_row(view, tree, words, each) for each in found.patterns]),
        "sorts": [(text, view.url(sort=sort), sort == query.sort) for sort, text in SORTS.items()],
        "next": view.here(**view.picker(range).ends(*range), last=None, cursor=found.next) if found.next else "",
        "first_page": not query.skipped,
        "arriving": complete.up_to is not None and complete.up_to < query.asked.range.end,
    }


def _row(view: View, tree: Node, words: Sequence[str], pattern: Pattern) -> Row:
    return Row(
        pattern=pattern,
        pieces=pattern_pieces(pattern.pattern, words),
        bars=spark(pattern.trend),
        level=pattern.levels[-1] if pattern.levels else "",
        first=ago(parse_time(pattern.first_seen), view.now),
        last=ago(parse_time(pattern.last_seen), view.now),
        links=pick_found(view, tree, pattern.q),
    )


PATTERNS = Page("logs/patterns", "logs_patterns.html", _find, keeps=KEEPS, for_agents=True, saves=True)
