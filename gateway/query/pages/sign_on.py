"""Log-in by OpenID Connect: to the provider, and back (pages.md, "Single sign-on")."""

import secrets

from starlette.requests import Request
from starlette.responses import Response

from gateway.actors import address_of
from gateway.query.deps import QueryDeps
from gateway.query.pages.guard import refusing
from gateway.query.pages.login import login_form
from gateway.query.pages.rendering import to
from gateway.query.pages.route import PageRoute
from gateway.query.pages.security import next_path
from gateway.query.pages.visit import keep_session, keep_visit, visit_of
from gateway.query.people.people import WrongLogin
from gateway.query.people.sign_on import Refused
from gateway.rejections import RateLimited

PATH = "/login/oidc"
BACK = f"{PATH}/callback"

NO_USER = "Nobody here has your e-mail address. Ask who runs this Sluice for: sluice user create"


def routes(deps: QueryDeps) -> list[PageRoute]:
    """None where it is not set up."""
    people = deps.known_people
    sign_on = people.sign_on
    if sign_on is None:
        return []

    async def leave(request: Request) -> Response:
        await people.attempts.begin(address_of(request))
        secret = visit_of(request) or secrets.token_urlsafe(32)
        response = to(await sign_on.leave(secret, next_path(request.query_params.get("next"))))
        keep_visit(response, request, secret)
        return response

    async def come_back(request: Request) -> Response:
        address = address_of(request)
        try:
            await people.attempts.admit(address)
            vouched = await sign_on.come_back(visit_of(request), request.query_params)
            token = await people.log_in_vouched(address, vouched)
        except RateLimited as refusal:
            problem = f"Too many tries. Wait {refusal.retry_after_s} seconds, then try again."
            return await login_form(people, request, "", 429, problem=problem)
        except Refused as refusal:
            await people.sessions.refuse(address, "oidc", None)
            return await login_form(people, request, "", 403, problem=str(refusal))
        except WrongLogin:
            return await login_form(people, request, "", 403, problem=NO_USER)
        response = to(next_path(vouched.next))
        keep_session(response, request, token)
        return response

    return [
        PageRoute(PATH, refusing(deps.counted(PATH, leave)), methods=["GET"]),
        PageRoute(BACK, refusing(deps.counted(BACK, come_back)), methods=["GET"]),
    ]
