"""A refusal as a page: what happened, and what to do next (pages.md, "Refusals")."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.query.pages.forms import token_for
from gateway.query.pages.rendering import render
from gateway.query.pages.visit import session_of, theme_of
from gateway.query.people import Visitor
from gateway.query.refusals import BadQuery
from gateway.rejections import NotFound, RateLimited, Rejection, Unavailable

_TITLES = {
    403: "Not allowed",
    404: "Not found",
    409: "Not changed",
    422: "That can't be asked",
    429: "Too many requests",
    503: "Not now",
}

_TO_DO = (
    (NotFound, "The address may be of another project, or what it named is older than what is kept."),
    (BadQuery, "Change what is named, and ask again."),
    (RateLimited, "Wait for the seconds that are left of this minute, then load the page again."),
    (Unavailable, "A database is away or busy. Nothing is lost: load the page again in a few seconds. If this goes on, "
     "/health/ready names the one that doesn't answer."),
)  # fmt: skip

_USUAL = "Go back, and try again. The log of this Sluice says more; it names this request by its X-Request-Id."


async def refusal_page(request: Request, refusal: Rejection, visitor: Visitor | None) -> Response:
    status = refusal.status
    response = await render(
        "refusal.html",
        status,
        title=_TITLES.get(status, "Something went wrong"),
        sentence=refusal.sentence,
        reasons=_reasons(refusal),
        to_do=next((text for kind, text in _TO_DO if isinstance(refusal, kind)), _USUAL),
        visitor=visitor,
        form_token=token_for(session_of(request)),
        theme=theme_of(request),
    )
    response.headers.update(refusal.headers())
    return response


def _reasons(refusal: Rejection) -> list[tuple[str, str]]:
    """(parameter, what is wrong with it)."""
    if not isinstance(refusal, BadQuery):
        return []
    return [(str(issue["loc"][-1]), str(issue["msg"]).removeprefix("Value error, ")) for issue in refusal.issues]
