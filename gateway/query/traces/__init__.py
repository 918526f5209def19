"""Reading traces: those of a project, and one of them."""

from gateway.openapi import Described
from gateway.query.deps import QueryDeps
from gateway.query.traces.detail import trace_question
from gateway.query.traces.roots import TRACES


def routes(deps: QueryDeps) -> list[Described]:
    return [*TRACES.routes(deps), *trace_question(deps.groups).routes(deps)]
