"""The routes that change states of error groups (reading.md, "Status of a group")."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

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
from gateway.query.postgres import known
from gateway.query.question import PROJECT
from gateway.query.refusals import GroupNotFound
from gateway.query.triage import openapi
from gateway.query.triage.body import StateBody, StatesBody
from gateway.query.triage.refusals import TooMany
from gateway.query.triage.rows import groups_with_rows
from gateway.query.triage.said import WHAT
from gateway.query.triage.shapes import ChangedGroup, ChangedGroups
from gateway.query.turns import in_turn, turns
from gateway.turns import Turns
from shared.error_states import TooManyStates
from shared.keys import ResolvedKey

_ONE, _MANY = JsonBody(StateBody), JsonBody(StatesBody)


def routes(deps: QueryDeps) -> list[Described]:
    """The routes, each with and without a trailing slash. They raise `Rejection`; `build_app` answers it.

    Each checks in this order: the key (401), its scope (403), the project (404), the parameters and the body (422), the
    groups (404).
    """
    turn = turns()

    async def one(request: Request) -> Response:
        key = await key_of(deps, request, "triage")
        body = _ONE.parse(await read_body(request, deps.bodies, key.project_id))
        [changed] = await _change(deps, turn, key, [stored(request.path_params[COLUMN])], body)
        return await small_answer(deps, key, changed)

    async def many(request: Request) -> Response:
        key = await key_of(deps, request, "triage")
        body = _MANY.parse(await read_body(request, deps.bodies, key.project_id))
        return await small_answer(deps, key, ChangedGroups(await _change(deps, turn, key, body.fingerprints, body)))

    paths: dict[str, tuple[Endpoint, Operation]] = {
        f"{PROJECT}/errors": (many, openapi.MANY),
        f"{PROJECT}/errors/{{{COLUMN}}}": (one, openapi.ONE),
    }
    return [
        Described(path + slash, accepted(deps, path, endpoint), {"PATCH": describe})
        for path, (endpoint, describe) in paths.items()
        for slash in ("", "/")
    ]


async def _change(
    deps: QueryDeps, turn: Turns, key: ResolvedKey, fingerprints: Sequence[str], body: StateBody
) -> list[ChangedGroup]:
    """The groups of these fingerprints, once all of them are changed. Raises `InvalidBody`, `GroupNotFound`,
    `TooMany`, `Unavailable`."""
    now = datetime.now(UTC)
    body.check(now)
    grouping = await deps.groups.of(key.project_id)
    heads = list(dict.fromkeys(map(grouping.head_of, fingerprints)))
    if set(heads) - await groups_with_rows(deps.reader, deps.stores["errors"], key.project_id, grouping, heads):
        raise GroupNotFound
    alter = partial(body.changed, now=now, by=f"key {key.key_id}")
    try:
        changed = await in_turn(
            turn, key.project_id, lambda: known(deps.states.change(key.project_id, heads, alter), WHAT)
        )
    except TooManyStates as error:
        raise TooMany from error
    return [ChangedGroup(head, changed[head]) for head in heads]
