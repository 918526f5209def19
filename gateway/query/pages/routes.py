"""All pages, in the order of their navigation. A new page is its file, its template, and its name here."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.query.deps import QueryDeps
from gateway.query.pages import login, sign_on
from gateway.query.pages.assets import answer_asset, answer_icon
from gateway.query.pages.choose import range_route
from gateway.query.pages.error import ERROR
from gateway.query.pages.errors import ERRORS
from gateway.query.pages.guard import guarded, refusing
from gateway.query.pages.help import HELP
from gateway.query.pages.ingest.page import INGEST
from gateway.query.pages.llm import LLM
from gateway.query.pages.logs.changes import CHANGES
from gateway.query.pages.logs.compare import COMPARE
from gateway.query.pages.logs.export import export_route
from gateway.query.pages.logs.log import LOG
from gateway.query.pages.logs.patterns import PATTERNS
from gateway.query.pages.logs.rows import LOGS
from gateway.query.pages.logs.tail import tail_route
from gateway.query.pages.page import Page
from gateway.query.pages.rendering import render, to
from gateway.query.pages.route import PageRoute
from gateway.query.pages.settings import SETTINGS
from gateway.query.pages.suggest.route import suggest_route
from gateway.query.pages.trace import TRACE
from gateway.query.pages.traces import TRACES
from gateway.query.pages.triage import triage_route
from gateway.query.pages.view import home
from gateway.query.pages.visit import theme_of
from gateway.query.pages.zones import ZONE, zone_route
from gateway.query.people import Visitor
from gateway.rejections import NotFound

PAGES: tuple[Page, ...] = (
    LOGS,
    PATTERNS,
    CHANGES,
    COMPARE,
    LOG,
    ERRORS,
    ERROR,
    TRACES,
    TRACE,
    LLM,
    INGEST,
    *SETTINGS,
    HELP,
    ZONE,
)


def routes(deps: QueryDeps) -> list[PageRoute]:
    """None in a process that knows no people."""
    if deps.people is None:
        return []
    navigation = [page for page in PAGES if page.title]
    return [
        PageRoute("/", guarded(deps, "/", _start), methods=["GET"]),
        *login.routes(deps),
        *sign_on.routes(deps),
        PageRoute("/static/{digest}/{name}", refusing(answer_asset)),
        PageRoute("/favicon.ico", refusing(answer_icon), methods=["GET"]),
        range_route(deps),
        suggest_route(deps),
        tail_route(deps),
        export_route(deps),
        triage_route(deps),
        zone_route(deps),
        *(route for page in PAGES for route in page.routes(deps, navigation)),
        PageRoute("/p/{rest:path}", guarded(deps, "/p", _nowhere), methods=["GET"]),
    ]


async def _start(request: Request, visitor: Visitor) -> Response:
    """The first page of the first project; what to do for a user who has none."""
    if visitor.memberships:
        return to(home(next(iter(visitor.memberships)), PAGES[0].path))
    return await render("no_project.html", visitor=visitor, theme=theme_of(request))


async def _nowhere(request: Request, visitor: Visitor) -> Response:
    raise NotFound
