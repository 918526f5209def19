"""A page of a project: its address, the function that finds what it shows, and its template (pages.md, "A page")."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.query.deps import QueryDeps
from gateway.query.pages.forms import read_form
from gateway.query.pages.guard import changing, guarded
from gateway.query.pages.markdown import SUFFIX, TEMPLATE
from gateway.query.pages.rendering import render, render_markdown
from gateway.query.pages.route import PageRoute
from gateway.query.pages.saved import Saved, find_saved
from gateway.query.pages.view import View, now_us
from gateway.query.pages.visit import keep_theme, session_of
from gateway.query.pages.zone import UTC, write_in
from gateway.query.people import Membership, Visitor
from gateway.query.reader import Cramped, TooBig
from gateway.query.refusals import BadQuery, ProjectNotFound, issue
from gateway.query.together import together

PROJECT = "/p/{project_id}"


@dataclass(frozen=True)
class Page:
    """`GET /p/{project}/{path}`.

    `find`: what the template is given beside `view`; it reads all parameters and calls `find_*` functions, no SQL.
    `title`: in the navigation; a page without one is not there. `key`: the letter after `g`. `part`: the template that
    is answered alone when a script asks for a piece of a page. `send`: what a form of the page changes; it returns the
    answer's status and what the template is given. `keeps`: parameters of its own that its links keep, also those to
    pages whose paths begin alike. `own`: of a page of one thing, whether links that change the search or the range lead
    to itself, not to the list. `for_agents`: it is also at its address with `.md` behind it, as Markdown, made by the
    template that is named so. `saves`: whether it can be saved as a view; its template is given `saved`.
    """

    path: str
    template: str
    find: Callable[[View], Awaitable[Mapping[str, Any]]]
    title: str = ""
    key: str = ""
    part: str = ""
    send: Callable[[View, Mapping[str, str]], Awaitable[tuple[int, Mapping[str, Any]]]] | None = None
    keeps: tuple[str, ...] = ()
    own: bool = False
    for_agents: bool = False
    saves: bool = False

    @property
    def name(self) -> str:
        """The first word of the path: which place in the navigation it belongs to."""
        return self.path.partition("/")[0]

    @property
    def home(self) -> str:
        """Where its links lead that change the search or range: to itself; from a page of one thing to the list."""
        return self.name if "{" in self.path else self.path

    def routes(self, deps: QueryDeps, navigation: "Sequence[Page]") -> list[PageRoute]:
        path = f"{PROJECT}/{self.path}"

        async def answer(request: Request, visitor: Visitor) -> Response:
            view = self._view(request, deps, visitor)
            found, saved = await together(self._found(view), self._saved(view))
            alone = self.part and request.headers.get("hx-request-type") == "partial"
            template = self.part if alone else self.template
            response = await render(template, view=view, page=self, navigation=navigation, saved=saved, **found)
            keep_theme(response, request)
            return response

        async def take(request: Request, visitor: Visitor) -> Response:
            view = self._view(request, deps, visitor)
            fields = await read_form(request, session_of(request))
            assert self.send is not None
            status, found = await self.send(view, fields)
            return await render(self.template, status, view=view, page=self, navigation=navigation, **found)

        async def as_markdown(request: Request, visitor: Visitor) -> Response:
            view = self._view(request, deps, visitor)
            write_in(UTC)  # agents compare it with what the API says
            template = self.template.removesuffix(".html") + TEMPLATE
            return await render_markdown(template, view=view, page=self, **await self._found(view))

        found = [PageRoute(path + slash, guarded(deps, path, answer), methods=["GET"]) for slash in ("/", "")]
        if self.for_agents:  # before the others: a part of a path may end in any way
            found.insert(0, PageRoute(path + SUFFIX, guarded(deps, path + SUFFIX, as_markdown), methods=["GET"]))
        if self.send:
            found.append(PageRoute(path, changing(deps, path, take), methods=["POST"]))
        return found

    async def _found(self, view: View) -> Mapping[str, Any]:
        try:
            return await self.find(view)
        except (TooBig, Cramped) as error:
            message = "Value error, too much to look at: choose a shorter range, or add a level or service"
            raise BadQuery([issue("value_error", "q", message, "")]) from error

    async def _saved(self, view: View) -> list[Saved] | None:
        return await find_saved(view, self.name) if self.saves else []

    def _view(self, request: Request, deps: QueryDeps, visitor: Visitor) -> View:
        home = filled(self.path, request.path_params) if self.own else self.home
        return View(home, request, deps, visitor, project_of(request, visitor), now_us(), self.keeps)


def filled(path: str, given: Mapping[str, str]) -> str:
    """A path with its parameters in it."""
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: given[found[1]], path)


def project_of(request: Request, visitor: Visitor) -> Membership:
    """The project that the path names. Raises `ProjectNotFound`, also for one that is none of the visitor's."""
    project = visitor.memberships.get(request.path_params["project_id"])
    if project is None:
        raise ProjectNotFound
    return project
