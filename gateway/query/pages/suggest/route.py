"""`GET /p/{project}/suggest`: what a script offers while a query is typed (pages.md, "Suggestions")."""

import asyncio
from collections.abc import Awaitable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.query.asked import Asked, parse_asked
from gateway.query.deps import QueryDeps
from gateway.query.logs.key_tally import MAX_KEY
from gateway.query.pages.guard import guarded
from gateway.query.pages.page import PROJECT, project_of
from gateway.query.pages.rendering import PageResponse
from gateway.query.pages.route import PageRoute
from gateway.query.pages.suggest.fields import LANGUAGES, Suggestion, attributes, few_values, named_fields
from gateway.query.pages.suggest.values import values
from gateway.query.pages.view import View, now_us
from gateway.query.people import Visitor
from gateway.query.reader import Cramped, TooBig
from gateway.rejections import Rejection

WITHIN_S = 3.0
"""What comes later helps nobody who types."""

_JSON = {"Content-Type": "application/json"}


def suggest_route(deps: QueryDeps) -> PageRoute:
    """Parameters: `signal`; the range; `field`, whose values are asked for, else it is the fields. The answer: pairs of
    a text, as it stands in a query, and a note. Where they can't be had in time there are none, or fewer."""
    path = f"{PROJECT}/suggest"

    async def answer(request: Request, visitor: Visitor) -> Response:
        view = View("logs", request, deps, visitor, project_of(request, visitor), now_us())
        signal, field, asked = _parse(view)
        found = await (_values(view, signal, field, asked) if field else _fields(view, signal, asked))
        return PageResponse(msgspec.json.encode(found), headers=_JSON)

    return PageRoute(path, guarded(deps, path, answer), methods=["GET"])


def _parse(view: View) -> tuple[str, str, Asked]:
    """Raises `BadQuery`."""
    given = view.given
    signal = given.choice("signal", LANGUAGES, "logs")
    field = given.text("field", most=MAX_KEY) or ""
    asked = parse_asked(given, LANGUAGES[signal], lambda: view.now)
    given.finish()
    return signal, field, asked


async def _fields(view: View, signal: str, asked: Asked) -> list[Suggestion]:
    found = named_fields(signal)
    return found + await _in_time(attributes(view, asked)) if signal == "logs" else found


async def _values(view: View, signal: str, field: str, asked: Asked) -> list[Suggestion]:
    few = few_values(signal, field)
    return await _in_time(values(view, signal, field, asked)) if few is None else few


async def _in_time(asking: Awaitable[list[Suggestion]]) -> list[Suggestion]:
    try:
        async with asyncio.timeout(WITHIN_S):
            return await asking
    except (Rejection, TooBig, Cramped, TimeoutError):
        return []
