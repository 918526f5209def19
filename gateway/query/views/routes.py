"""The routes of saved views (reading.md, "Views")."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from gateway.actors import key_actor
from gateway.openapi import Described
from gateway.query.changing import accepted, key_of, small_answer
from gateway.query.deps import QueryDeps
from gateway.query.json_body import JsonBody, read_body
from gateway.query.postgres import known
from gateway.query.turns import in_turn, turns
from gateway.query.views import openapi
from gateway.query.views.refusals import NameInUse, TooMany, ViewNotFound
from gateway.query.views.shapes import ViewBody, ViewList, answer_of
from gateway.turns import Turns
from shared.keys import ResolvedKey
from shared.views import NameTaken, Shown, TooManyViews, View

T = TypeVar("T")

WHAT = "views"
"""In sentences."""

_BODY = JsonBody(ViewBody)


def routes(deps: QueryDeps) -> list[Described]:
    """The routes, each with and without a trailing slash. They raise `Rejection`; `build_app` answers it.

    Each checks in this order: the key (401), its scope (403), the project (404), the parameters and the body (422).
    """
    turn, views = turns(), deps.views

    async def list_all(request: Request) -> Response:
        key = await key_of(deps, request, "read")
        found = await known(views.of_project(key.project_id), WHAT)
        return await small_answer(deps, key, ViewList([answer_of(each) for each in found]))

    async def show(request: Request) -> Response:
        key = await key_of(deps, request, "read")
        return await _view(deps, key, await known(views.find(key.project_id, _id(request)), WHAT))

    async def create(request: Request) -> Response:
        key = await key_of(deps, request, "triage")
        shown = await _shown(deps, request, key)
        made = await _changed(turn, key, lambda: views.add(key.project_id, shown, key_actor(key, request)))
        return await _view(deps, key, made, 201)

    async def replace(request: Request) -> Response:
        key = await key_of(deps, request, "triage")
        view_id, shown = _id(request), await _shown(deps, request, key)
        change = partial(views.replace, key.project_id, view_id, shown, key_actor(key, request))
        return await _view(deps, key, await _changed(turn, key, change))

    async def remove(request: Request) -> Response:
        key = await key_of(deps, request, "triage")
        view_id, by = _id(request), key_actor(key, request)
        return await _view(deps, key, await _changed(turn, key, lambda: views.remove(key.project_id, view_id, by)))

    changes = {"POST": create, "PUT": replace, "DELETE": remove}
    found = []
    for (path, method), describe in openapi.OF.items():
        if method == "GET":
            endpoint = deps.counted(path, show if "{view_id}" in path else list_all)
        else:
            endpoint = accepted(deps, path, changes[method])
        found += [Described(path + slash, endpoint, {method: describe}) for slash in ("", "/")]
    return found


def _id(request: Request) -> str:
    view_id: str = request.path_params["view_id"]
    if "\0" in view_id:  # no text of Postgres holds it
        raise ViewNotFound
    return view_id


async def _shown(deps: QueryDeps, request: Request, key: ResolvedKey) -> Shown:
    return _BODY.parse(await read_body(request, deps.bodies, key.project_id)).shown


async def _changed(turns: Turns, key: ResolvedKey, change: Callable[[], Awaitable[T]]) -> T:
    try:
        return await in_turn(turns, key.project_id, lambda: known(change(), WHAT))
    except NameTaken as error:
        raise NameInUse(str(error)) from error
    except TooManyViews as error:
        raise TooMany from error


async def _view(deps: QueryDeps, key: ResolvedKey, view: View | None, status: int = 200) -> Response:
    if view is None:
        raise ViewNotFound
    return await small_answer(deps, key, answer_of(view), status)
