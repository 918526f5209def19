"""The routes that read logs: the API's two pages (contracts.md, "Reading logs", "Logs of an error"), and questions."""

from collections.abc import Mapping
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.counted import Endpoint
from gateway.openapi import Describe, Described
from gateway.query.answer import PiecesResponse
from gateway.query.deps import QueryDeps
from gateway.query.language.parameter import hint_header
from gateway.query.listing import link_to
from gateway.query.logs import openapi
from gateway.query.logs.attribute_keys import ATTRIBUTE_KEYS
from gateway.query.logs.compare.compare import COMPARE
from gateway.query.logs.context import CONTEXT
from gateway.query.logs.detail import ONE_LOG
from gateway.query.logs.export import export_routes
from gateway.query.logs.facets import FACETS
from gateway.query.logs.fields import FIELDS
from gateway.query.logs.filters import parse_around, parse_log_query
from gateway.query.logs.patterns.changes import CHANGES
from gateway.query.logs.patterns.patterns import PATTERNS
from gateway.query.logs.search import Found, find_logs, find_logs_around
from gateway.query.logs.stepwise import search_in_steps
from gateway.query.logs.tail.route import tail_routes
from gateway.query.logs.volume import VOLUME
from gateway.query.parameters import Parameters
from gateway.query.partial import may_be_partial
from gateway.query.place import encode_place
from gateway.query.refusals import EventNotFound
from shared.signals.logs import ATTRIBUTE_ITEMS, LOGS

MAX_EVENT_ID = 128

QUESTIONS = (VOLUME, FACETS, ATTRIBUTE_KEYS, PATTERNS, CHANGES, COMPARE, ONE_LOG, CONTEXT)


def routes(deps: QueryDeps) -> list[Described]:
    """The routes, each with and without a trailing slash. They raise `Rejection`; `build_app` answers it.

    Each checks in this order: the key (401), its scope (403), the project (404), the parameters (422).
    """
    FIELDS.index_attributes(ATTRIBUTE_ITEMS if deps.search_index == "attributes" else "")

    # An event id is the client's own text, which may contain slashes.
    pages: dict[str, tuple[Endpoint, Describe]] = {
        "/api/v1/projects/{project_id}/logs": (partial(_project_logs, deps), openapi.project_logs),
        "/api/v1/events/{event_id:path}/logs": (partial(_event_logs, deps), openapi.event_logs),
    }
    return [
        *(
            Described(path + slash, deps.counted(path, may_be_partial(page)), {"GET": describe})
            for path, (page, describe) in pages.items()
            for slash in ("", "/")
        ),
        *(route for question in QUESTIONS for route in question.routes(deps)),
        *export_routes(deps),
        *tail_routes(deps),
    ]


async def _project_logs(deps: QueryDeps, request: Request) -> Response:
    key = await deps.project_key(request)
    query = parse_log_query(_parameters(request))
    complete = await deps.complete(LOGS.name)
    headers = complete.within(query.as_of).headers | hint_header(query.hints)
    if query.budget is None:
        found = await find_logs(deps.reader, key.project_id, query)
    else:
        found, searched = await search_in_steps(deps.reader, key.project_id, query, query.budget)
        headers |= searched.headers
    return _answer(deps, key.project_id, found, headers | _next_link(request, found))


async def _event_logs(deps: QueryDeps, request: Request) -> Response:
    key = await deps.reading_key(request)
    given = _parameters(request)
    around = parse_around(given)
    event_id = request.path_params["event_id"]
    if not 0 < len(event_id) <= MAX_EVENT_ID:
        raise EventNotFound
    stored_id = event_id.replace("\0", "\ufffd")
    complete = await deps.complete(LOGS.name)
    found = await find_logs_around(deps.reader, key.project_id, stored_id, around)
    return _answer(deps, key.project_id, found, complete.within(around.as_of).headers | _next_link(request, found))


def _parameters(request: Request) -> Parameters:
    return Parameters(request.query_params.multi_items())


def _answer(deps: QueryDeps, project_id: str, found: Found, headers: Mapping[str, str]) -> Response:
    pieces = found.body
    deps.held.admit(project_id, sum(map(len, pieces)))
    return PiecesResponse(pieces, headers, deps.held, project_id)


def _next_link(request: Request, found: Found) -> dict[str, str]:
    """The same request from the next row on."""
    if found.next is None:
        return {}
    return {"Link": link_to(request, "next", {"cursor": encode_place(found.next)}, left_out=("offset",))}
