"""Reading usage: how much of each signal a project has sent."""

from gateway.openapi import Described
from gateway.query.deps import QueryDeps
from gateway.query.usage.usage import usage


def routes(deps: QueryDeps) -> list[Described]:
    return usage(deps.stores).routes(deps)
