"""The tab Compare: by which values the logs of a search differ from others (pages.md, "Logs")."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.query.language import EVERYTHING, Node
from gateway.query.logs.compare.compare import Comparison, Difference, find_comparison, parse_compare
from gateway.query.pages.logs.choices import KEEPS, parse_choices
from gateway.query.pages.logs.finding import pick_found
from gateway.query.pages.logs.frame import complete_of, find_frame
from gateway.query.pages.page import Page
from gateway.query.pages.view import View
from gateway.query.reader import Cramped, TooBig
from gateway.query.together import together


class Row(NamedTuple):
    """`share`, `against`: percent. `links`: empty where the search finds no log with this value."""

    difference: Difference
    share: float
    against: float
    links: dict[str, str]


async def _find(view: View) -> Mapping[str, Any]:
    choices = parse_choices(view.given)
    query = parse_compare(view.given)
    against = view.request.query_params.get("against", "")
    # Everything has nothing to be compared with.
    asks = query.asked.q != EVERYTHING or bool(against)
    complete = await complete_of(view, query.asked)

    async def compare() -> Comparison | None:
        try:
            return await find_comparison(view.deps.reader, view.project.project_id, query) if asks else None
        except (TooBig, Cramped):
            return None

    found, frame = await together(compare(), find_frame(view, query.asked, choices, complete))
    differences = found.differences if found else []
    return {
        **frame,
        "asks": asks,
        "against": against,
        "found": found,
        "rows": await asyncio.to_thread(lambda: [_row(view, query.asked.q, each) for each in differences]),
        "errors": view.url(q="level:>=error"),
    }


def _row(view: View, tree: Node, each: Difference) -> Row:
    links = pick_found(view, tree, each.q) if each.count else {}
    return Row(each, each.share * 100, each.against_share * 100, links)


COMPARE = Page("logs/compare", "logs_compare.html", _find, keeps=KEEPS, for_agents=True, saves=True)
