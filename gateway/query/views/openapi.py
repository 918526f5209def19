"""The routes of saved views in OpenAPI's words."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.apis.proliferate import API
from gateway.openapi import Components, Describe, Json
from gateway.openapi.answers import EVERYWHERE, OF_PATH, REQUEST_ID, WITH_KEY, limits, refusals
from gateway.openapi.ingest import KEY_SCHEMES
from gateway.query.json_body import JsonBody
from gateway.query.parameters import Parameters
from gateway.query.question import PROJECT
from gateway.query.refusals import BadQuery, ProjectNotFound
from gateway.query.views.refusals import NameInUse, TooMany, ViewNotFound
from gateway.query.views.shapes import ViewAnswer, ViewBody, ViewList
from gateway.rejections import LacksScope, Rejection, Unreadable, UnsupportedEncoding
from shared.keys import Scope

_BODIES = (b"{", b'{"page":"logs","name":"","state":"q=a b","more":1}')
"""Bodies that show how they are refused."""


def _operation(
    scope: Scope, answer: Any, *refused: Rejection, body: bool = False, status: int = 200, **told: str
) -> Describe:
    def describe(components: Components) -> Json:
        of_body = (*_refused_bodies(), UnsupportedEncoding(), Unreadable("not packed")) if body else ()
        everything = (*EVERYWHERE, *WITH_KEY, *OF_PATH, LacksScope(scope), ProjectNotFound(), _bad_query())
        content = {"application/json": {"schema": components.schema(ViewBody)}}
        return {
            **told,
            "tags": ["query"],
            "security": KEY_SCHEMES,
            **({"requestBody": {"required": True, "content": content}} if body else {}),
            "responses": {
                str(status): {
                    "description": "The answer",
                    "headers": REQUEST_ID | limits(required=False),
                    "content": {"application/json": {"schema": components.schema(answer)}},
                },
                **refusals(API, (*everything, *refused, *of_body), components),
            },
        }

    return describe


def _refused_bodies() -> list[Rejection]:
    return [refusal for body in _BODIES if (refusal := _refusal(body))]


def _refusal(body: bytes) -> Rejection | None:
    try:
        JsonBody(ViewBody).parse(body)
    except Rejection as refusal:
        return refusal
    return None


def _bad_query() -> BadQuery:
    try:
        Parameters([("nothing", "1")]).finish()
    except BadQuery as refusal:
        return refusal
    raise AssertionError("an unknown parameter was accepted")


_taken = NameInUse("view_0123456789abcdef")
_all, _one = f"{PROJECT}/views", f"{PROJECT}/views/{{view_id}}"

OF: Final[Mapping[tuple[str, str], Describe]] = {
    (_all, "GET"): _operation("read", ViewList, operationId="views", summary="The saved views of a project"),
    (_all, "POST"): _operation(
        *("triage", ViewAnswer, _taken, TooMany()),
        body=True,
        status=201,
        operationId="create_view",
        summary="Save a view",
    ),
    (_one, "GET"): _operation("read", ViewAnswer, ViewNotFound(), operationId="view", summary="A saved view"),
    (_one, "PUT"): _operation(
        *("triage", ViewAnswer, ViewNotFound(), _taken),
        body=True,
        operationId="replace_view",
        summary="Save something else under the id of a view",
    ),
    (_one, "DELETE"): _operation(
        "triage", ViewAnswer, ViewNotFound(), operationId="delete_view", summary="Delete a view; answers what it was"
    ),
}
