"""Turns a range that was typed or chosen into an address: `/p/{project}/range` (pages.md, "The range")."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from gateway.query.deps import QueryDeps
from gateway.query.pages.guard import guarded
from gateway.query.pages.page import PROJECT, project_of
from gateway.query.pages.picker import Picker
from gateway.query.pages.rendering import to
from gateway.query.pages.route import PageRoute
from gateway.query.pages.security import next_path
from gateway.query.pages.typed_range import parse_typed
from gateway.query.pages.view import RANGE, home, now_us
from gateway.query.pages.zone import zone
from gateway.query.people import Visitor
from gateway.query.refusals import BadQuery, issue
from gateway.query.times import parse_time

_OWN = ("page", "range", "from", "until", "as_of")


def range_route(deps: QueryDeps) -> PageRoute:
    """The typed text counts before the two times; without any of them it is the usual range."""

    async def answer(request: Request, visitor: Visitor) -> Response:
        given = request.query_params
        project = project_of(request, visitor)
        kept = {name: value for name, value in given.items() if name not in (*_OWN, *RANGE) and value}
        values = kept | _chosen(given.get("range", "").strip(), given.get("from", ""), given.get("until", ""))
        path = home(project.project_id, given.get("page", ""))
        return to(next_path(f"{path}?{urlencode(values)}" if values else path))

    path = f"{PROJECT}/range"
    return PageRoute(path, guarded(deps, path, answer), methods=["GET"])


def _chosen(typed: str, start: str, end: str) -> dict[str, str]:
    """The parameters of the range. Raises `BadQuery`."""
    try:
        if typed:
            last, range = parse_typed(typed, now_us(), zone())
            if range is None:
                return {"last": last or ""}
            return Picker.ends(*range)
        if start and end:
            first, last_moment = sorted((start, end))
            return Picker.ends(parse_time(first, of_wall=zone().first), parse_time(last_moment, of_wall=zone().last))
    except ValueError as error:
        raise BadQuery([issue("value_error", "range", f"Value error, {error}", typed or f"{start} {end}")]) from error
    return {}
