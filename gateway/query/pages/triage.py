"""Forms that change the states of errors (pages.md, "Acting on errors")."""

from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from gateway.query.deps import QueryDeps
from gateway.query.pages.act import body_of
from gateway.query.pages.forms import MAX_FIELDS, read_fields
from gateway.query.pages.guard import changing
from gateway.query.pages.page import PROJECT, project_of
from gateway.query.pages.rendering import to
from gateway.query.pages.roles import check_role
from gateway.query.pages.route import PageRoute
from gateway.query.pages.security import next_path
from gateway.query.pages.visit import session_of
from gateway.query.people import Visitor
from gateway.query.refusals import BadQuery, GroupNotFound, issue
from gateway.query.triage.body import MOST_GROUPS
from gateway.query.triage.change import change_groups

MAX_BYTES = 40_000
"""Of a form: 200 groups, and the address it was sent from."""


def triage_route(deps: QueryDeps) -> PageRoute:
    path = f"{PROJECT}/errors/state"

    async def answer(request: Request, visitor: Visitor) -> Response:
        project_id = project_of(request, visitor).project_id
        check_role(visitor, "member", project_id)
        fields = await read_fields(request, session_of(request), MAX_FIELDS + MOST_GROUPS, MAX_BYTES)
        groups = [value for name, value in fields if name == "group"]
        _check(groups)
        body = body_of(dict(fields), visitor.name, datetime.now(UTC))
        await change_groups(deps, project_id, groups, body, _by(visitor))
        return to(next_path(dict(fields).get("next")))

    return PageRoute(path, changing(deps, path, answer), methods=["POST"])


def _check(groups: Sequence[str]) -> None:
    """Raises `BadQuery`, `GroupNotFound`."""
    if not 0 < len(groups) <= MOST_GROUPS:
        message = f"Value error, choose at least one error, and at most {MOST_GROUPS}"
        raise BadQuery([issue("value_error", "group", message, "")])
    if not all(len(group) == 64 and set(group) <= set("0123456789abcdef") for group in groups):
        raise GroupNotFound


def _by(visitor: Visitor) -> str:
    """Who it is, as history keeps it."""
    return f"{'key' if visitor.is_key else 'user'} {visitor.name}"
