"""Choosing the zone that times are written in: `/p/{project}/zone` (pages.md, "Times").

The browser keeps it, not the address: a shared address shows everybody the same rows, in their own zone.
"""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.query.deps import QueryDeps
from gateway.query.pages.forms import read_form
from gateway.query.pages.guard import changing
from gateway.query.pages.page import PROJECT, Page
from gateway.query.pages.rendering import to
from gateway.query.pages.route import PageRoute
from gateway.query.pages.security import next_path
from gateway.query.pages.view import View
from gateway.query.pages.visit import keep_zone, session_of
from gateway.query.pages.zone import zone_named, zone_names
from gateway.query.people import Visitor

_PATH = f"{PROJECT}/zone"


async def _find(view: View) -> Mapping[str, Any]:
    next = view.given.text("next")
    view.finish()
    return {"regions": _regions(), "next": next_path(next) if next else view.url("logs")}


def _regions() -> list[tuple[str, list[str]]]:
    """The zones that are named by a region and a place in it. The others are old names of these."""
    named = sorted(name for name in zone_names() if "/" in name and not name.startswith("Etc/"))
    return [(region, list(names)) for region, names in groupby(named, lambda name: name.partition("/")[0])]


def zone_route(deps: QueryDeps) -> PageRoute:
    """Takes the form. A zone that there isn't is UTC."""
    zone_names()  # reads a folder: now, not while somebody waits

    async def answer(request: Request, visitor: Visitor) -> Response:
        fields = await read_form(request, session_of(request))
        response = to(next_path(fields.get("next")))
        keep_zone(response, zone_named(fields.get("zone", "")))
        return response

    return PageRoute(_PATH, changing(deps, _PATH, answer), methods=["POST"])


ZONE = Page("zone", "zone.html", _find)
