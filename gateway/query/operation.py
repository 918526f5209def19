"""Routes about what people have made and changed, in OpenAPI's words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.apis.proliferate import API
from gateway.openapi import Components, Json
from gateway.openapi.answers import EVERYWHERE, OF_PATH, REQUEST_ID, WITH_KEY, limits, refusals
from gateway.openapi.ingest import KEY_SCHEMES
from gateway.query.json_body import JsonBody
from gateway.query.listed import ListedParameters
from gateway.query.listing import LINK
from gateway.query.parameters import Parameters, refused_by
from gateway.query.refusals import ProjectNotFound
from gateway.rejections import LacksScope, Rejection, Unreadable, UnsupportedEncoding
from shared.keys import Scope


@dataclass(frozen=True)
class Asks:
    """The parameters of a route: what reads them, and what they mean. `is_paged`: links lead on to other pages."""

    parse: Callable[[Parameters], object] = Parameters.finish
    meanings: Mapping[str, str] = field(default_factory=dict)
    is_paged: bool = False


@dataclass(frozen=True)
class Operation:
    """One method of a path; it describes itself when it is called. `body`: what a request brings; `bad`: bodies that
    show how one is refused."""

    id: str
    summary: str
    scope: Scope
    answer: type[msgspec.Struct]
    refused: Sequence[Rejection] = ()
    body: type[msgspec.Struct] | None = None
    bad: Sequence[bytes] = ()
    status: int = 200
    asks: Asks = Asks()

    def __call__(self, components: Components) -> Json:
        of_key = (LacksScope(self.scope), ProjectNotFound(), refused_by(self.asks.parse))
        self.asks.parse(listed := ListedParameters(self.asks.meanings))
        refused = (*EVERYWHERE, *WITH_KEY, *OF_PATH, *of_key, *self.refused, *self._of_body())
        return {
            "operationId": self.id,
            "summary": self.summary,
            "tags": ["query"],
            "security": KEY_SCHEMES,
            **({"parameters": listed.found} if listed.found else {}),
            **({"requestBody": {"required": True, "content": _json(components, self.body)}} if self.body else {}),
            "responses": {
                str(self.status): {
                    "description": "The answer",
                    "headers": REQUEST_ID | limits(required=False) | (LINK if self.asks.is_paged else {}),
                    "content": _json(components, self.answer),
                },
                **refusals(API, refused, components),
            },
        }

    def _of_body(self) -> list[Rejection]:
        if self.body is None:
            return []
        found = [refusal for body in self.bad if (refusal := _refusal(self.body, body))]
        return [*found, UnsupportedEncoding(), Unreadable("not packed")]


def _json(components: Components, kind: Any) -> Json:
    return {"application/json": {"schema": components.schema(kind)}}


def _refusal(kind: type[msgspec.Struct], body: bytes) -> Rejection | None:
    try:
        JsonBody(kind).parse(body)
    except Rejection as refusal:
        return refusal
    return None
