"""One log on a page of its own; a script asks for it alone, to open it in its row (pages.md, "Logs")."""

import asyncio
from collections.abc import Mapping
from typing import Any

from gateway.query.asked import parse_asked
from gateway.query.logs.fields import LANGUAGE
from gateway.query.pages.logs.around import find_around, parse_around
from gateway.query.pages.logs.choices import KEEPS, parse_choices
from gateway.query.pages.logs.frame import complete_of
from gateway.query.pages.logs.words import words_of
from gateway.query.pages.opened import opened
from gateway.query.pages.page import Page
from gateway.query.pages.stored_log import find_log
from gateway.query.pages.view import View
from gateway.query.place import decode_place
from gateway.query.refusals import LogNotFound


async def _find(view: View) -> Mapping[str, Any]:
    given = view.given
    asked = parse_asked(given, LANGUAGE, lambda: view.now)
    choices, by = parse_choices(given), parse_around(given)
    given.finish()
    try:
        place = decode_place(view.request.path_params["ref"])
    except ValueError as error:
        raise LogNotFound from error
    complete = await complete_of(view, asked)
    log = await find_log(view.deps.reader, view.project.project_id, place)
    around = await find_around(view, place, by, asked.as_of) if by else None
    return {
        "asked": asked,
        "picker": view.picker(asked.range),
        "badge": view.badge(complete),
        "open": await asyncio.to_thread(opened, view, asked.q, log, around),
        "words": words_of(asked.q),
        "columns": choices.columns,
    }


LOG = Page("logs/{ref}", "log.html", _find, part="logs_part.html", keeps=KEEPS, for_agents=True)
