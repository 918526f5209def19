"""Answers of the API without the shards that are away, where `SLUICE_QUERY_PARTIAL` allows them
(reading.md, "While a shard is away")."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.http.counted import Endpoint

T = TypeVar("T")

_missing: ContextVar[set[int] | None] = ContextVar("missing", default=None)


class Partial(msgspec.Struct, frozen=True):
    """What an answer says that lacks the rows of shards."""

    partial: bool
    shards_missing: list[int]
    """As `system.clusters` counts them."""


def missing_so_far() -> set[int] | None:
    """The shards that the answer under way lacks; None where it may lack none."""
    return _missing.get()


def reason(shards: set[int]) -> str:
    """Why it isn't known how far such an answer is complete."""
    return f"rows are left out: these shards can't be reached: {', '.join(map(str, sorted(shards)))}"


def may_be_partial(endpoint: Endpoint) -> Endpoint:
    """The endpoint, whose answer may lack shards: then its headers say which. Call it in a task of its own."""

    async def answer(request: Request) -> Response:
        shards: set[int] = set()
        _missing.set(shards)
        response = await endpoint(request)
        if shards:
            response.headers["X-Shards-Missing"] = ",".join(map(str, sorted(shards)))
            response.headers["X-Complete-Up-To"] = "null"
            response.headers["X-Complete-Reason"] = reason(shards)
        return response

    return answer


async def asked_for_many(ask: Callable[[], Awaitable[T]]) -> tuple[T, set[int]]:
    """What `ask` answers, and the shards that this lacks; for an answer that others get as well (`note`). To be called
    in a task of its own."""
    shards: set[int] = set()
    if _missing.get() is not None:
        _missing.set(shards)
    return await ask(), shards


def note(shards: set[int]) -> None:
    """The answer under way lacks these too."""
    if (mine := _missing.get()) is not None:
        mine |= shards
