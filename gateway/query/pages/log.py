"""One log on a page of its own; a script asks for it alone, to open it in its row (pages.md, "Logs")."""

from collections.abc import Mapping
from typing import Any

from gateway.query.asked import parse_asked
from gateway.query.logs.fields import LANGUAGE
from gateway.query.pages.logs import COLUMNS, words_of
from gateway.query.pages.opened import opened
from gateway.query.pages.page import Page
from gateway.query.pages.stored_log import find_log
from gateway.query.pages.view import View
from gateway.query.place import decode_place
from gateway.query.refusals import LogNotFound


async def _find(view: View) -> Mapping[str, Any]:
    given = view.given
    asked = parse_asked(given, LANGUAGE, lambda: view.now)
    columns = given.words("columns", COLUMNS)
    given.parsed("cursor", decode_place, "value_error", "a valid cursor")
    given.finish()
    try:
        place = decode_place(view.request.path_params["ref"])
    except ValueError as error:
        raise LogNotFound from error
    complete = await view.deps.complete_of(asked.tables)
    log = await find_log(view.deps.reader, view.project.project_id, place)
    return {
        "asked": asked,
        "picker": view.picker(asked.range),
        "badge": view.badge(complete),
        "open": opened(view, asked.q, log),
        "words": words_of(asked.q),
        "columns": columns,
    }


LOG = Page("logs/{ref}", "log.html", _find, part="log_part.html")
