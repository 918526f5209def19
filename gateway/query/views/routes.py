"""The routes of saved views (reading.md, "Views")."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from gateway.http.counted import Endpoint, counted
from gateway.openapi import Described
from gateway.query.answer import PiecesResponse
from gateway.query.deps import QueryDeps
from gateway.query.json_body import JsonBody, read_body
from gateway.query.parameters import Parameters
from gateway.query.question import PROJECT
from gateway.query.refusals import ProjectNotFound
from gateway.query.rendering import rendered
from gateway.query.views import openapi
from gateway.query.views.refusals import NameInUse, TooMany, ViewNotFound
from gateway.query.views.shapes import ViewBody, ViewList, answer_of
from gateway.rejections import Unavailable
from gateway.turns import Turns
from shared.clients.postgres import PostgresUnavailable
from shared.keys import ResolvedKey, Scope
from shared.views import NameTaken, Shown, TooManyViews, View

AT_ONCE, WAITING = 4, 32
"""Changes at the same time, of one project one; those that wait for them. Any more get 503."""

T = TypeVar("T")

_log = structlog.get_logger(__name__)
_BODY = JsonBody(ViewBody)


def routes(deps: QueryDeps) -> list[Described]:
    """The routes, each with and without a trailing slash. They raise `Rejection`; `build_app` answers it.

    Each checks in this order: the key (401), its scope (403), the project (404), the parameters and the body (422).
    """
    turns, views = Turns(AT_ONCE, WAITING, each=1), deps.views

    async def list_all(request: Request) -> Response:
        key = await _key(deps, request, "read")
        found = await _stored(views.of_project(key.project_id))
        return await _answer(deps, key, ViewList([answer_of(each) for each in found]))

    async def show(request: Request) -> Response:
        key = await _key(deps, request, "read")
        return await _view(deps, key, await _stored(views.find(key.project_id, _id(request))))

    async def create(request: Request) -> Response:
        key = await _key(deps, request, "triage")
        shown = await _shown(deps, request, key)
        made = await _changed(turns, key, lambda: views.add(key.project_id, shown, key.key_id))
        return await _view(deps, key, made, 201)

    async def replace(request: Request) -> Response:
        key = await _key(deps, request, "triage")
        view_id, shown = _id(request), await _shown(deps, request, key)
        found = await _changed(turns, key, lambda: views.replace(key.project_id, view_id, shown))
        return await _view(deps, key, found)

    async def remove(request: Request) -> Response:
        key = await _key(deps, request, "triage")
        view_id = _id(request)
        return await _view(deps, key, await _changed(turns, key, lambda: views.remove(key.project_id, view_id)))

    pages: dict[str, dict[str, Endpoint]] = {
        f"{PROJECT}/views": {"GET": list_all, "POST": create},
        f"{PROJECT}/views/{{view_id}}": {"GET": show, "PUT": replace, "DELETE": remove},
    }
    return [
        Described(path + slash, _by_method(deps, path, methods), {each: openapi.OF[path, each] for each in methods})
        for path, methods in pages.items()
        for slash in ("", "/")
    ]


def _by_method(deps: QueryDeps, path: str, methods: Mapping[str, Endpoint]) -> Endpoint:
    """One endpoint for a path. Only who reads is watched: a change goes on when its client hangs up."""
    made = {
        method: deps.counted(path, endpoint) if method == "GET" else counted(deps.metrics, path, "accepted", endpoint)
        for method, endpoint in methods.items()
    }
    made["HEAD"] = made["GET"]

    async def endpoint(request: Request) -> Response:
        return await made[request.method](request)

    return endpoint


async def _key(deps: QueryDeps, request: Request, scope: Scope) -> ResolvedKey:
    key = await deps.authenticate(request, scope)
    if key.project_id != request.path_params["project_id"]:
        raise ProjectNotFound
    Parameters(request.query_params.multi_items()).finish()
    return key


def _id(request: Request) -> str:
    view_id: str = request.path_params["view_id"]
    if "\0" in view_id:  # no text of Postgres holds it
        raise ViewNotFound
    return view_id


async def _shown(deps: QueryDeps, request: Request, key: ResolvedKey) -> Shown:
    return _BODY.parse(await read_body(request, deps.bodies, key.project_id)).shown


async def _changed(turns: Turns, key: ResolvedKey, change: Callable[[], Awaitable[T]]) -> T:
    """Make a change when it is the project's turn: each takes a connection of its own."""
    await turns.take(key.project_id)
    try:
        return await _stored(change())
    except NameTaken as error:
        raise NameInUse(str(error)) from error
    except TooManyViews as error:
        raise TooMany from error
    finally:
        turns.give_back(key.project_id)


async def _stored(work: Awaitable[T]) -> T:
    try:
        return await work
    except PostgresUnavailable as error:
        _log.warning("views can't be asked for", error=str(error))
        raise Unavailable from error


async def _view(deps: QueryDeps, key: ResolvedKey, view: View | None, status: int = 200) -> Response:
    if view is None:
        raise ViewNotFound
    return await _answer(deps, key, answer_of(view), status)


async def _answer(deps: QueryDeps, key: ResolvedKey, answer: msgspec.Struct, status: int = 200) -> Response:
    pieces = await asyncio.to_thread(rendered, answer)
    deps.held.admit(key.project_id, sum(map(len, pieces)))
    response = PiecesResponse(pieces, {}, deps.held, key.project_id)
    response.status_code = status
    return response
