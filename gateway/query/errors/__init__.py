"""Reading errors: groups of them, one group, and its events."""

from gateway.openapi import Described
from gateway.query.deps import QueryDeps
from gateway.query.errors.detail import group_question
from gateway.query.errors.events import events_question
from gateway.query.errors.groups import groups_question


def routes(deps: QueryDeps) -> list[Described]:
    found = (
        groups_question(deps.groups, deps.states),
        group_question(deps.groups, deps.states),
        events_question(deps.groups),
    )
    return [route for question in found for route in question.routes(deps)]
