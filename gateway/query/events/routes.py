"""The route that reads one error (contracts.md, "An error")."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.openapi import Described
from gateway.query.answer import PiecesResponse
from gateway.query.deps import QueryDeps
from gateway.query.events import openapi
from gateway.query.events.answer import answer
from gateway.query.events.chain import JAVASCRIPT, unmapped
from gateway.query.events.search import find_event
from gateway.query.parameters import Parameters
from gateway.query.partial import may_be_partial
from gateway.rejections import Unavailable


def routes(deps: QueryDeps) -> list[Described]:
    """The route, with and without a trailing slash. It raises `Rejection`; `build_app` answers it.

    It checks in this order: the key (401), its scope (403), that there are no parameters (422), the event (404).
    """

    async def event(request: Request) -> Response:
        key = await deps.reading_key(request)
        Parameters(request.query_params.multi_items()).finish()
        found = await find_event(deps.reader, key.project_id, request.path_params["event_id"])
        outcomes = unmapped(found.chain)
        if found.chain.language == JAVASCRIPT:
            outcomes = await deps.mapper.map(found.wanted, found.chain.places)
        pieces = answer(found, await _group(deps, key.project_id, found.fingerprint), outcomes)
        deps.held.admit(key.project_id, sum(map(len, pieces)))
        return PiecesResponse(pieces, {}, deps.held, key.project_id)

    # An event id is the client's own text, which may contain slashes: the path with a slash at its end comes first.
    path = "/api/v1/events/{event_id:path}"
    counted = deps.counted(path, may_be_partial(event))
    return [Described(each, counted, {"GET": openapi.event}) for each in (f"{path}/", path)]


async def _group(deps: QueryDeps, project_id: str, fingerprint: str) -> str | None:
    """The group that an error is shown in; None while merges can't be asked for: the error itself can be shown."""
    try:
        return (await deps.groups.of(project_id)).head_of(fingerprint)
    except Unavailable:
        return None
