"""Who a request comes from, as the audit log names it (operating.md, "Audit log")."""

from starlette.requests import Request

from shared.audit import Actor
from shared.keys import ResolvedKey


def address_of(request: Request) -> str:
    """Of the client; behind a proxy that we trust, what the proxy says."""
    return request.client.host if request.client else ""


def key_actor(key: ResolvedKey, request: Request) -> Actor:
    return Actor(kind="key", id=key.key_id, address=address_of(request))
