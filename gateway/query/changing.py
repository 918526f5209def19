"""What the routes have in common that change what people have made: views, the states of errors."""

import asyncio
from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.http.counted import Endpoint, counted
from gateway.query.answer import PiecesResponse
from gateway.query.deps import QueryDeps
from gateway.query.parameters import Parameters
from gateway.query.rendering import rendered
from shared.keys import ResolvedKey, Scope


def accepted(deps: QueryDeps, path: str, endpoint: Endpoint) -> Endpoint:
    """The endpoint of a change, its answers counted. It goes on when its client hangs up."""
    return counted(deps.metrics, path, "accepted", endpoint)


async def key_of(deps: QueryDeps, request: Request, scope: Scope) -> ResolvedKey:
    """The key of a request without parameters. Raises what `authenticate` raises, `ProjectNotFound`, `BadQuery`."""
    key = await deps.project_key(request, scope)
    Parameters(request.query_params.multi_items()).finish()
    return key


async def small_answer(
    deps: QueryDeps,
    key: ResolvedKey,
    answer: msgspec.Struct,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    pieces = await asyncio.to_thread(rendered, answer)
    deps.held.admit(key.project_id, sum(map(len, pieces)))
    response = PiecesResponse(pieces, headers or {}, deps.held, key.project_id)
    response.status_code = status
    return response
