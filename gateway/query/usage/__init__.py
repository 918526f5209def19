"""Reading usage: how much of each signal a project has sent, and what became of it."""

from gateway.openapi import Described
from gateway.query.deps import QueryDeps
from gateway.query.usage.answer import usage_question


def routes(deps: QueryDeps) -> list[Described]:
    return usage_question(deps).routes(deps)
