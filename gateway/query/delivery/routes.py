"""The route about delivery (reading.md, "Delivery")."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from gateway.apis.proliferate import API
from gateway.openapi import Components, Described, Json
from gateway.openapi.answers import EVERYWHERE, OF_PATH, REQUEST_ID, WITH_KEY, limits, refusals
from gateway.openapi.ingest import KEY_SCHEMES
from gateway.query.answer import PiecesResponse
from gateway.query.delivery.shapes import DeliveryAnswer
from gateway.query.delivery.state import find_delivery
from gateway.query.deps import QueryDeps
from gateway.query.parameters import Parameters, no_parameters
from gateway.query.question import PROJECT
from gateway.query.refusals import ProjectNotFound
from gateway.query.rendering import rendered
from gateway.rejections import LacksScope

PATH = f"{PROJECT}/delivery"


def routes(deps: QueryDeps) -> list[Described]:
    """The route, with and without a trailing slash. It raises `Rejection`; `build_app` answers it.

    It checks in this order: the key (401), its scope (403), the project (404), that there are no parameters (422).
    """

    async def delivery(request: Request) -> Response:
        key = await deps.project_key(request)
        Parameters(request.query_params.multi_items()).finish()
        answer = await find_delivery(deps, key.project_id)
        pieces = await asyncio.to_thread(rendered, answer)
        deps.held.admit(key.project_id, sum(map(len, pieces)))
        return PiecesResponse(pieces, {}, deps.held, key.project_id)

    return [Described(PATH + slash, deps.counted(PATH, delivery), {"GET": describe}) for slash in ("", "/")]


def describe(components: Components) -> Json:
    refused = (*EVERYWHERE, *WITH_KEY, *OF_PATH, LacksScope("read"), ProjectNotFound(), no_parameters())
    return {
        "operationId": "delivery",
        "summary": "How the records came through: lanes, dead letters, and how far the tables are complete",
        "tags": ["query"],
        "security": KEY_SCHEMES,
        "responses": {
            "200": {
                "description": "The answer",
                "headers": REQUEST_ID | limits(required=False),
                "content": {"application/json": {"schema": components.schema(DeliveryAnswer)}},
            },
            **refusals(API, refused, components),
        },
    }
