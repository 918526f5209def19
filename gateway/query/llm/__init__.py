"""Reading LLM usage: what was used, and the calls."""

from gateway.openapi import Described
from gateway.query.deps import QueryDeps
from gateway.query.llm.calls import CALLS
from gateway.query.llm.usage import USAGE


def routes(deps: QueryDeps) -> list[Described]:
    return [*CALLS.routes(deps), *USAGE.routes(deps)]
