"""Log-in and log-out (pages.md, "Who may")."""

import secrets
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.actors import address_of
from gateway.query.deps import QueryDeps
from gateway.query.pages.forms import read_form, token_for
from gateway.query.pages.guard import refusing, taking_forms
from gateway.query.pages.rendering import render, to
from gateway.query.pages.route import PageRoute
from gateway.query.pages.security import next_path
from gateway.query.pages.visit import drop_session, keep_session, keep_visit, session_of, theme_of, visit_of
from gateway.query.people.people import People, WrongLogin
from gateway.rejections import RateLimited


def routes(deps: QueryDeps) -> list[PageRoute]:
    people = deps.known_people

    async def show(request: Request) -> Response:
        return await login_form(people, request, request.query_params.get("next", ""))

    async def show_link(request: Request) -> Response:
        """A link is used up by the form on this page: whoever only looks at links, as mail and chat do, leaves it."""
        token = request.query_params.get("token", "")
        name = await people.sessions.user_of_link(token)
        return await login_form(people, request, request.query_params.get("next", ""), link=token, link_name=name)

    async def log_in(request: Request) -> Response:
        fields = await read_form(request, visit_of(request))
        try:
            token = await _token(people, address_of(request), fields)
        except WrongLogin:
            return await login_form(people, request, fields.get("next", ""), 403, problem=_wrong(fields), given=fields)
        except RateLimited as refusal:
            problem = f"Too many tries. Wait {refusal.retry_after_s} seconds, then try again."
            response = await login_form(people, request, fields.get("next", ""), 429, problem=problem, given=fields)
            response.headers.update(refusal.headers())
            return response
        response = to(next_path(fields.get("next")))
        keep_session(response, request, token)
        return response

    async def log_out(request: Request) -> Response:
        token = session_of(request)
        await read_form(request, token)
        await people.sessions.end(token, address_of(request))
        response = to("/login")
        drop_session(response, request)
        return response

    return [
        PageRoute("/login", refusing(deps.counted("/login", show)), methods=["GET"]),
        PageRoute("/login", taking_forms(deps, "/login", log_in), methods=["POST"]),
        PageRoute("/login/link", refusing(deps.counted("/login/link", show_link)), methods=["GET"]),
        PageRoute("/logout", taking_forms(deps, "/logout", log_out), methods=["POST"]),
    ]


async def _token(people: People, address: str, fields: Mapping[str, str]) -> str:
    """Of a new session, of what the form holds."""
    if link := fields.get("link"):
        return await people.log_in_with_link(address, link)
    if key := fields.get("key", "").strip():
        return await people.log_in_with_key(address, key)
    return await people.log_in(address, fields.get("name", "").strip(), fields.get("password", ""))


def _wrong(fields: Mapping[str, str]) -> str:
    if fields.get("link"):
        return "This link was used already, or is older than 24 hours. `sluice user link` makes another."
    if fields.get("key"):
        return "This is no key that may read. `sluice key create --scope read` makes one."
    return "Name or password is wrong. After ten tries in a minute you have to wait."


async def login_form(people: People, request: Request, next: str, status: int = 200, **more: Any) -> Response:
    """The log-in. Its form is good for this browser only: the token belongs to a cookie."""
    secret = visit_of(request) or secrets.token_urlsafe(32)
    given = {"problem": "", "given": {}, "link": "", "link_name": None} | more
    values = given | {"next": next_path(next), "form_token": token_for(secret), "theme": theme_of(request)}
    values |= {"sign_on": people.sign_on.button if people.sign_on else ""}
    response = await render("login.html", status, **values)
    keep_visit(response, request, secret)
    return response
