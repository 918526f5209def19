"""Whose key a request has, and what it may do."""

from typing import Literal, Protocol

import structlog
from starlette.requests import Request

from gateway.auth import KeyCache, Lookup, LookupFailed, permit
from gateway.carried import key_of
from gateway.http.answer_headers import answer_headers
from gateway.http.headers import HEADERS
from gateway.limits import Limits
from gateway.lookups import Lookups
from gateway.origins import check_origin
from shared.clients.postgres import Postgres, PostgresUnavailable
from shared.keys import ResolvedKey, Scope, find_keys
from shared.metrics import Metrics

_log = structlog.get_logger(__name__)


class Authenticate(Protocol):
    async def __call__(self, request: Request, scope: Scope = ...) -> ResolvedKey: ...


def authenticate_as(kind: Literal["ingest", "read"], keys: KeyCache, limits: Limits) -> Authenticate:
    """The key of a request of this kind; the kind is also the scope that it needs, unless another one is named."""
    limiter = limits.of(kind)

    async def authenticate(request: Request, scope: Scope = kind) -> ResolvedKey:
        given: dict[bytes, bytes] = request.scope[HEADERS]
        key = await keys.resolve(key_of(given))
        await limiter.admit(key, answer_headers(request.scope))
        permit(key, scope)
        check_origin(key.origins, given)
        return key

    return authenticate


def lookup_in(postgres: Postgres, metrics: Metrics) -> Lookup:
    def unreadable(what: Literal["key", "rules"], whose: str, error: Exception) -> None:
        metrics.unreadable.labels(what).inc()
        if what == "key":
            _log.error("a key's row can't be read: no such key", hash=whose[:8], error=str(error))
        else:
            _log.error("grouping rules can't be read: the project has none", project_id=whose, error=str(error))

    lookups = Lookups(lambda digests: find_keys(postgres, digests, unreadable))

    async def lookup(digest: str) -> ResolvedKey | None:
        try:
            return await lookups.find(digest)
        except PostgresUnavailable as error:
            raise LookupFailed(str(error)) from error

    return lookup
