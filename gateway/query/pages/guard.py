"""Before a page: who is there. After it: refusals as pages (pages.md, "Refusals")."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import structlog
from starlette.requests import Request
from starlette.responses import Response

from gateway.http.answer_headers import answer_headers
from gateway.http.counted import Endpoint, counted
from gateway.query.deps import QueryDeps
from gateway.query.pages.refusal import refusal_page
from gateway.query.pages.rendering import PageResponse, to
from gateway.query.pages.visit import session_of, zone_of
from gateway.query.pages.zone import write_in
from gateway.query.people import Visitor
from gateway.rejections import InternalError, Rejection

_log = structlog.get_logger(__name__)

Answer = Callable[[Request, Visitor], Awaitable[Response]]


def guarded(deps: QueryDeps, path: str, answer: Answer) -> Endpoint:
    """The endpoint of a page for visitors with a session; others are sent to the log-in, and come back."""
    return refusing(deps.counted(path, _known(deps, answer)))


def changing(deps: QueryDeps, path: str, answer: Answer) -> Endpoint:
    """The endpoint of a form of visitors with a session that changes something. It goes on when the browser hangs
    up."""
    return refusing(counted(deps.metrics, path, "accepted", _known(deps, answer)))


def _known(deps: QueryDeps, answer: Answer) -> Endpoint:
    async def known(request: Request) -> Response:
        people = deps.known_people
        token = session_of(request)
        visitor = await people.sessions.find(token) if token else None
        if visitor is None:
            return _to_login(request)
        request.state.visitor = visitor
        write_in(zone_of(request))
        await people.admit(token, answer_headers(request.scope))
        return await answer(request, visitor)

    return known


def taking_forms(deps: QueryDeps, path: str, answer: Endpoint) -> Endpoint:
    """The endpoint of a form that is sent to us: it reads the body itself."""
    return refusing(counted(deps.metrics, path, "answered", answer))


def refusing(endpoint: Endpoint) -> Endpoint:
    """The endpoint, its refusals and our own faults answered as pages."""

    async def refused(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Rejection as refusal:
            return await refusal_page(request, refusal, getattr(request.state, "visitor", None))
        except Exception as error:
            _log.error("unexpected error", path=request.url.path, exc_info=error)
            return await refusal_page(request, InternalError(), None)

    return refused


def _to_login(request: Request) -> Response:
    """A script that asked for a piece of a page must not get the log-in in its place."""
    if request.method != "GET":
        return to("/login")
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.headers.get("hx-request"):
        return PageResponse(status=204, headers={"HX-Redirect": "/login"})
    return to(f"/login?{urlencode({'next': path})}")
