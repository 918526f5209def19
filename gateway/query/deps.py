"""What the read API is built of."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request

from gateway.query.reader import Reader
from shared.keys import ResolvedKey
from shared.metrics import Metrics

Authenticate = Callable[[Request], Awaitable[ResolvedKey]]
"""The key that a request carries. Raises `Unauthenticated`, `Unavailable`, or what else a request is refused for before
its parameters are looked at; whether the key may read is asked here again."""


@dataclass(frozen=True)
class QueryDeps:
    reader: Reader
    authenticate: Authenticate
    metrics: Metrics
