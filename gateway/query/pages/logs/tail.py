"""The tail of the page Logs: what the API's tail tells, as rows (pages.md, "Tail")."""

from dataclasses import replace
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.query.deps import QueryDeps
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.tail.events import Tell, event, id_of, told
from gateway.query.logs.tail.events import events as events_of
from gateway.query.logs.tail.follow import News
from gateway.query.logs.tail.poll import TailLog
from gateway.query.logs.tail.query import TailQuery, parse_tail
from gateway.query.logs.tail.route import TailResponse, news_of, tail_items
from gateway.query.pages.guard import guarded
from gateway.query.pages.logs.choices import KEEPS, Choices, parse_choices
from gateway.query.pages.logs.words import words_of
from gateway.query.pages.page import PROJECT, project_of
from gateway.query.pages.rendering import rendered
from gateway.query.pages.route import PageRoute
from gateway.query.pages.security import HEADERS
from gateway.query.pages.stored_log import PLACED, StoredLog
from gateway.query.pages.view import View, now_us
from gateway.query.pages.visit import session_of
from gateway.query.pages.zone import write_in, zone
from gateway.query.parameters import Parameters
from gateway.query.people import Visitor
from gateway.query.place import encode_place
from gateway.rejections import Unauthenticated

_decode = msgspec.json.Decoder().decode


class _Person(NamedTuple):
    """Stands for a key where tails are counted. The sessions of a key count as the key itself."""

    key_id: str
    project_id: str


class _Row(NamedTuple):
    log: StoredLog
    late: bool


def tail_route(deps: QueryDeps) -> PageRoute:
    """`GET /p/{project}/logs/tail`: server-sent events. A message holds rows, the newest first; `progress` and `end`
    are those of the API. It ends when the session does."""
    path = f"{PROJECT}/logs/tail"

    async def answer(request: Request, visitor: Visitor) -> Response:
        view = View("logs", request, deps, visitor, project_of(request, visitor), now_us(), KEEPS)
        choices, asked = _parse(request)
        token, project_id = session_of(request), view.project.project_id

        async def ask() -> None:
            visitor = await deps.known_people.sessions.find(token)
            if visitor is None or project_id not in visitor.memberships:
                raise Unauthenticated

        news = news_of(deps, project_id, asked, ask)
        content = events_of(news, deps.tails, deps.metrics, _telling(view, choices, asked.query))
        return TailResponse(content, HEADERS, deps.tails, _Person(visitor.id, project_id))

    return PageRoute(path, guarded(deps, path, answer), methods=["GET"])


def _parse(request: Request) -> tuple[Choices, TailQuery]:
    """Raises `BadQuery`."""
    given = Parameters(tail_items(request))
    choices = parse_choices(given)
    asked = parse_tail(given)
    include = tuple(dict.fromkeys((*PLACED, *choices.included)))
    return choices, replace(asked, query=replace(asked.query, include=include))


def _telling(view: View, choices: Choices, query: LogQuery) -> Tell:
    written_in = zone()

    def tell(news: News, retry: int | None) -> bytes:
        if not (news.logs or news.left_out or news.recreated):
            return told(news, retry)
        write_in(written_in)  # the answer is sent by another task than the one that took the request
        html = rendered(
            "logs_tail.html",
            {
                "view": view,
                "rows": [_row(log) for log in reversed(news.logs)],
                "left_out": news.left_out,
                "recreated": news.recreated,
                "words": words_of(query.q),
                "columns": choices.columns,
            },
        )
        return event(None, html.decode(), id=id_of(news.state), retry=retry)

    return tell


def _row(log: TailLog) -> _Row:
    place = log.place
    return _Row(StoredLog(encode_place(place), place.timestamp, place.received_at, _decode(log.json)), log.late)
