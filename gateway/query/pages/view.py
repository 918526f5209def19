"""What a page is asked for, by whom, and the links that lead on from it (pages.md, "The address is the state")."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from time import time_ns
from urllib.parse import quote, urlencode

from starlette.requests import Request

from gateway.actors import address_of
from gateway.query.complete import Complete
from gateway.query.deps import QueryDeps
from gateway.query.pages.forms import token_for
from gateway.query.pages.markdown import SUFFIX
from gateway.query.pages.picker import Picker
from gateway.query.pages.visit import session_of, theme_of
from gateway.query.parameters import Parameters
from gateway.query.people import Membership, Visitor
from gateway.query.range import Range
from shared.audit import Actor

KEPT = ("q", "last", "start_time", "end_time", "as_of")
"""Parameters that the links of a page keep, also those to other pages; all other parameters are a page's own."""

RANGE = ("last", "start_time", "end_time")

BEHIND_US = 30_000_000
"""Rows that are missing for longer than this are worth a word."""


def now_us() -> int:
    """Microseconds since the epoch."""
    return time_ns() // 1000


def home(project_id: str, page: str) -> str:
    """The address of a page of a project, `logs` or `traces/ID`: whatever an id holds, it leads to no other page."""
    first, slash, rest = page.partition("/")
    return f"/p/{project_id}/{quote(first)}{slash}{quote(rest, safe='')}"


def _first(page: str) -> str:
    return page.partition("/")[0]


@dataclass(frozen=True)
class Badge:
    """How far what is shown is complete. `state`: complete, arriving or unproven."""

    state: str
    up_to: int | None
    behind_us: int
    reason: str


@dataclass(frozen=True)
class View:
    """One request for a page of a project. `name`: where the page's own links lead; `now`: microseconds; `keeps`:
    parameters of the page's own that its links keep."""

    name: str
    request: Request
    deps: QueryDeps
    visitor: Visitor
    project: Membership
    now: int
    keeps: tuple[str, ...] = ()

    @cached_property
    def given(self) -> Parameters:
        """The parameters of the page. Whoever reads them calls `finish`."""
        items = [item for item in self.request.query_params.multi_items() if item[0] != "theme"]
        return Parameters(items, self.request.path_params)

    def finish(self) -> None:
        """Of a page that has no parameters of its own: it takes those that links bring along. Raises `BadQuery`."""
        for name in KEPT:
            self.given.text(name)
        self.given.finish()

    @property
    def q(self) -> str:
        return self.request.query_params.get("q", "")

    @property
    def theme(self) -> str:
        return theme_of(self.request)

    @property
    def form_token(self) -> str:
        return token_for(session_of(self.request))

    @property
    def kept(self) -> dict[str, str]:
        """The parameters that links keep."""
        given = self.request.query_params
        return {name: given[name] for name in (*KEPT, *self.keeps) if given.get(name)}

    def url(self, page: str | None = None, **changed: str | None) -> str:
        """The address of a page of this project, of this one where none is named, with some parameters changed; None
        leaves one out."""
        path = home(self.project.project_id, self.name if page is None else page)
        left_out = () if page is None or _first(page) == _first(self.name) else self.keeps
        kept = self.hidden(left_out)
        values = {name: value for name, value in (kept | changed).items() if value}
        return f"{path}?{urlencode(values)}" if values else path

    def at(self, start: int, end: int, **changed: str | None) -> str:
        """This page with another range, as it is now: it keeps no state."""
        return self.url(**Picker.ends(start, end), last=None, as_of=None, **changed)

    def onward(self, range: Range, **changed: str | None) -> str:
        """This page with others of the same rows: in the range and the state of the first, however old it is by now."""
        return self.url(**Picker.ends(*range), last=None, **changed)

    def here(self, **changed: str | None) -> str:
        """The address of this very page, with its own parameters, and some changed."""
        own = {name: value for name, value in self.request.query_params.items() if name != "theme"}
        values = {name: value for name, value in (own | changed).items() if value}
        path = quote(self.request.scope["path"].removesuffix(SUFFIX))
        return f"{path}?{urlencode(values)}" if values else path

    def shared(self, range: Range, complete: Complete, **changed: str | None) -> str:
        """The address of this very page that shows the same next week: with both ends of the range, and the state."""
        state = complete.headers["X-As-Of"]
        ends = Picker.ends(*range)
        return self.here(**ends, last=None, as_of=None if state == "null" else state, cursor=None, **changed)

    def as_markdown(self, href: str = "") -> str:
        """An address as Markdown; that of this very page where none is named."""
        path, mark, query = (href or self.here()).partition("?")
        return path.rstrip("/") + SUFFIX + mark + query

    def hidden(self, leave_out: Iterable[str]) -> dict[str, str]:
        """The parameters that a form sends along: those that links keep, without those that it asks for."""
        gone = set(leave_out)
        return {name: value for name, value in self.kept.items() if name not in gone}

    def picker(self, range: Range) -> Picker:
        return Picker(range, self.request.query_params.get("last"), self.now, self.url)

    def badge(self, complete: Complete) -> Badge:
        if complete.up_to is None:
            return Badge("unproven", None, 0, complete.reason)
        behind = max(0, self.now - complete.up_to)
        return Badge("arriving" if behind > BEHIND_US else "complete", complete.up_to, behind, "")

    @property
    def actor(self) -> Actor:
        """Who asks, as the audit log names them."""
        return self.visitor.actor(address_of(self.request))

    @property
    def may_triage(self) -> bool:
        """Whether the visitor may change the states of errors here."""
        return self.visitor.may("member", self.project.project_id)

    @property
    def base_url(self) -> str:
        """Where the browser found this host."""
        return f"{self.request.url.scheme}://{self.request.headers.get('host', '')}"
