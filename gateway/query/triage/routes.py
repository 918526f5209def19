"""The routes that change states of error groups (reading.md, "Status of a group")."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.counted import Endpoint
from gateway.openapi import Described
from gateway.query.changing import accepted, key_of, small_answer
from gateway.query.deps import QueryDeps
from gateway.query.groups import COLUMN
from gateway.query.json_body import JsonBody, read_body
from gateway.query.language.binding import stored
from gateway.query.operation import Operation
from gateway.query.question import PROJECT
from gateway.query.triage import openapi
from gateway.query.triage.body import StateBody, StatesBody
from gateway.query.triage.change import change_groups
from gateway.query.triage.shapes import ChangedGroups
from shared.keys import ResolvedKey

_ONE, _MANY = JsonBody(StateBody), JsonBody(StatesBody)


def routes(deps: QueryDeps) -> list[Described]:
    """The routes, each with and without a trailing slash. They raise `Rejection`; `build_app` answers it.

    Each checks in this order: the key (401), its scope (403), the project (404), the parameters and the body (422), the
    groups (404).
    """

    async def one(request: Request) -> Response:
        key = await key_of(deps, request, "triage")
        body = _ONE.parse(await read_body(request, deps.bodies, key.project_id))
        [changed] = await change_groups(deps, key.project_id, [stored(request.path_params[COLUMN])], body, _by(key))
        return await small_answer(deps, key, changed)

    async def many(request: Request) -> Response:
        key = await key_of(deps, request, "triage")
        body = _MANY.parse(await read_body(request, deps.bodies, key.project_id))
        changed = await change_groups(deps, key.project_id, body.fingerprints, body, _by(key))
        return await small_answer(deps, key, ChangedGroups(changed))

    paths: dict[str, tuple[Endpoint, Operation]] = {
        f"{PROJECT}/errors": (many, openapi.MANY),
        f"{PROJECT}/errors/{{{COLUMN}}}": (one, openapi.ONE),
    }
    return [
        Described(path + slash, accepted(deps, path, endpoint), {"PATCH": describe})
        for path, (endpoint, describe) in paths.items()
        for slash in ("", "/")
    ]


def _by(key: ResolvedKey) -> str:
    return f"key {key.key_id}"
