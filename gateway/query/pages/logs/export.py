"""The files behind *Export*: the API's, for the holder of a session (pages.md, "Logs")."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.query.deps import QueryDeps
from gateway.query.logs.export.query import parse_export
from gateway.query.logs.export.route import answer_export
from gateway.query.pages.guard import guarded
from gateway.query.pages.page import PROJECT, project_of
from gateway.query.pages.route import PageRoute
from gateway.query.pages.security import HEADERS
from gateway.query.parameters import Parameters
from gateway.query.people import Visitor


def export_route(deps: QueryDeps) -> PageRoute:
    """`GET /p/{project}/logs/export`, with the parameters of the API's export."""
    path = f"{PROJECT}/logs/export"

    async def answer(request: Request, visitor: Visitor) -> Response:
        project = project_of(request, visitor)
        query = parse_export(Parameters(request.query_params.multi_items()))
        response = await answer_export(deps, project.project_id, query)
        response.headers.update(HEADERS)
        return response

    return PageRoute(path, guarded(deps, path, answer), methods=["GET"])
