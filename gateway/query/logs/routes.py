"""The two routes that read logs (contracts.md, "Reading logs", "Logs of an error")."""

from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.counted import Endpoint
from gateway.openapi import Describe, Described
from gateway.query.answer import PiecesResponse
from gateway.query.deps import QueryDeps
from gateway.query.logs import openapi
from gateway.query.logs.cursor import encode_place
from gateway.query.logs.filters import parse_around, parse_log_query
from gateway.query.logs.search import Found, find_logs, find_logs_around
from gateway.query.parameters import Parameters
from gateway.query.refusals import EventNotFound, ProjectNotFound

MAX_EVENT_ID = 128


def routes(deps: QueryDeps) -> list[Described]:
    """The routes, each with and without a trailing slash. They raise `Rejection`; `build_app` answers it.

    Each checks in this order: the key (401), its scope (403), the project (404), the parameters (422).
    """

    async def project_logs(request: Request) -> Response:
        key = await deps.reading_key(request)
        if key.project_id != request.path_params["project_id"]:
            raise ProjectNotFound
        query = parse_log_query(_parameters(request))
        found = await find_logs(deps.reader, key.project_id, query)
        return _answer(deps, key.project_id, found, _next_link(request, found))

    async def event_logs(request: Request) -> Response:
        key = await deps.reading_key(request)
        given = _parameters(request)
        include, after = parse_around(given)
        event_id = request.path_params["event_id"]
        if not 0 < len(event_id) <= MAX_EVENT_ID:
            raise EventNotFound
        stored_id = event_id.replace("\0", "\ufffd")
        found = await find_logs_around(deps.reader, key.project_id, stored_id, include, after)
        return _answer(deps, key.project_id, found, _next_link(request, found))

    # An event id is the client's own text, which may contain slashes.
    pages: dict[str, tuple[Endpoint, Describe]] = {
        "/api/v1/projects/{project_id}/logs": (project_logs, openapi.project_logs),
        "/api/v1/events/{event_id:path}/logs": (event_logs, openapi.event_logs),
    }
    return [
        Described(path + slash, deps.counted(path, page), {"GET": describe})
        for path, (page, describe) in pages.items()
        for slash in ("", "/")
    ]


def _parameters(request: Request) -> Parameters:
    return Parameters(request.query_params.multi_items())


def _answer(deps: QueryDeps, project_id: str, found: Found, link: str | None) -> Response:
    pieces = found.body
    deps.held.admit(project_id, sum(map(len, pieces)))
    return PiecesResponse(pieces, {"Link": link} if link else {}, deps.held, project_id)


def _next_link(request: Request, found: Found) -> str | None:
    """The same request from the next row on. The link is relative, because proxies rename hosts."""
    if found.next is None:
        return None
    kept = [item for item in request.query_params.multi_items() if item[0] not in ("offset", "cursor")]
    path = quote(request.scope["path"])
    return f'<{path}?{urlencode([*kept, ("cursor", encode_place(found.next))])}>; rel="next"'
