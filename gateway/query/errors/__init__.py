"""Reading errors: groups of them, one group, and its events."""

from gateway.openapi import Described
from gateway.query.deps import QueryDeps
from gateway.query.errors.detail import detail
from gateway.query.errors.events import events
from gateway.query.errors.groups import listed


def routes(deps: QueryDeps) -> list[Described]:
    found = (listed(deps.groups), detail(deps.groups), events(deps.groups))
    return [route for question in found for route in question.routes(deps)]
