"""A question as a route: its parameters, the function that answers it, and the shape of the answer
(reading.md, "Questions")."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.apis.proliferate import API
from gateway.openapi import Components, Described, Json
from gateway.openapi.answers import EVERYWHERE, OF_PATH, REQUEST_ID, WITH_KEY, limits, refusals
from gateway.openapi.ingest import KEY_SCHEMES
from gateway.query.answer import PiecesResponse
from gateway.query.as_of import encode_as_of
from gateway.query.asked import Asked
from gateway.query.complete import Complete
from gateway.query.deps import QueryDeps
from gateway.query.language.parameter import hint_header
from gateway.query.listed import ListedParameters
from gateway.query.listing import LINK, Listing, page_links
from gateway.query.parameters import Parameters, refused_by
from gateway.query.partial import Partial, may_be_partial, missing_so_far, reason
from gateway.query.reader import Cramped, Reader, TooBig
from gateway.query.refusals import BadQuery, ProjectNotFound, issue
from gateway.query.rendering import rendered
from gateway.query.times import format_time
from gateway.rejections import LacksScope, NotFound

PROJECT = "/api/v1/projects/{project_id}"

MEANINGS: Mapping[str, str] = {
    "q": 'A query, e.g. `level:>=warn service:checkout "card declined" -user:*`. A text that is none is searched as it'
    " is, and `X-Query-Hint` says why.",
    "start_time": "Not before this time; without an offset it is UTC, a date alone is its first moment.",
    "end_time": "Not after this time (now); a date alone is its last moment.",
    "last": "How long before its end the range begins, without `start_time`: `15m`, `1h` (the default), `7d`.",
    "as_of": "Only what was stored in this state, from the field of an answer: pages and counts that don't move.",
    "limit": "How many at most.",
    "sort": "What comes first: the largest of it, the newest for a time.",
    "cursor": "Another page: from the `Link` header, not to be made up.",
}
"""Of the parameters that most questions have."""


_HINT = {"X-Query-Hint": {"description": "What the writer of `q` may want to know.", "schema": {"type": "string"}}}


class RangeShown(msgspec.Struct, frozen=True):
    """Both ends belong to it."""

    start: str
    end: str


class Told(msgspec.Struct, frozen=True):
    """What an answer says beside its data. All that was answered with 2xx before `complete_up_to` is in it; null for
    unknown, then `complete_reason` says why. `as_of`: the state of what was stored, for the parameter of that name."""

    range: RangeShown
    complete_up_to: str | None
    complete_reason: str | None
    as_of: str | None


class Asking(Protocol):
    """The parameters of a question."""

    @property
    def asked(self) -> Asked: ...


Q = TypeVar("Q", bound=Asking)


@dataclass(frozen=True)
class Question(Generic[Q]):
    """`GET {PROJECT}{path}`: `find` answers what `parse` reads. The answer's fields stand beside those of `Told`; those
    of a `Listing` link to the pages beside it."""

    path: str
    summary: str
    parse: Callable[[Parameters], Q]
    find: Callable[[Reader, str, Q], Awaitable[msgspec.Struct]]
    answer: type[msgspec.Struct]
    meanings: Mapping[str, str] = field(default_factory=dict)
    unknown: NotFound | None = None
    """What is refused where the path names nothing."""

    def routes(self, deps: QueryDeps) -> list[Described]:
        """With and without a trailing slash. It checks in this order: the key (401), its scope (403), the project
        (404), the parameters (422)."""
        path = PROJECT + self.path

        async def answer(request: Request) -> Response:
            key = await deps.project_key(request)
            asking = self.parse(Parameters(request.query_params.multi_items(), request.path_params))
            complete = await deps.complete_of(asking.asked.tables)
            found = await self._found(deps.reader, key.project_id, asking)
            pieces = await asyncio.to_thread(rendered, *told_now(asking.asked, complete), found)
            deps.held.admit(key.project_id, sum(map(len, pieces)))
            links = page_links(request, found, asking.asked.range) if isinstance(found, Listing) else {}
            return PiecesResponse(pieces, links | hint_header(asking.asked.hints), deps.held, key.project_id)

        counted = deps.counted(path, may_be_partial(answer))
        # With the slash first: a last part of the path that may hold slashes would take it for its own.
        return [Described(path + slash, counted, {"GET": self._describe}) for slash in ("/", "")]

    async def _found(self, reader: Reader, project_id: str, asking: Q) -> msgspec.Struct:
        try:
            return await self.find(reader, project_id, asking)
        except (TooBig, Cramped) as error:
            message = "Value error, too much to look at: choose a shorter range, or add a level or service"
            raise BadQuery([issue("value_error", "q", message, "")]) from error

    def _describe(self, components: Components) -> Json:
        listed = ListedParameters({**MEANINGS, **self.meanings})
        self.parse(listed)
        unknown = (ProjectNotFound(), *([self.unknown] if self.unknown else []))
        refused = (*EVERYWHERE, *WITH_KEY, *OF_PATH, LacksScope("read"), *unknown, refused_by(self.parse))
        is_listing = issubclass(self.answer, Listing)
        shape = {"allOf": [components.schema(Told), components.schema(self.answer)]}
        return {
            "operationId": re.sub(r"\W+", "_", self.path.replace(":path", "")).strip("_"),
            "summary": self.summary,
            "tags": ["query"],
            "parameters": listed.found,
            "security": KEY_SCHEMES,
            "responses": {
                "200": {
                    "description": "The answer",
                    "headers": REQUEST_ID | limits(required=False) | _HINT | (LINK if is_listing else {}),
                    "content": {"application/json": {"schema": shape}},
                },
                **refusals(API, refused, components),
            },
        }


def told_now(asked: Asked, complete: Complete) -> list[msgspec.Struct]:
    """What the answer that has just been found says beside its data."""
    if shards := missing_so_far():
        complete = Complete(reason=reason(shards), as_of=complete.as_of)
        return [told(asked, complete), Partial(True, sorted(shards))]
    return [told(asked, complete)]


def told(asked: Asked, complete: Complete) -> Told:
    """`complete`: as it was before the rows were read."""
    known = complete.within(asked.as_of)
    return Told(
        RangeShown(format_time(asked.range.start), format_time(asked.range.end)),
        None if known.up_to is None else format_time(known.up_to),
        known.reason or None,
        None if known.as_of is None else encode_as_of(known.as_of),
    )
