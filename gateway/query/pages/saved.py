"""The saved views of a page, and of those beside it, to choose from on the page itself (pages.md, "Saved views")."""

from typing import NamedTuple
from urllib.parse import parse_qsl

from gateway.query.pages.view import View, home
from gateway.query.postgres import known
from gateway.rejections import Unavailable
from shared.views import View as SavedView

WHAT = "saved views"


class Saved(NamedTuple):
    """`chosen`: whether the page shows it now."""

    name: str
    page: str
    href: str
    chosen: bool


async def find_saved(view: View, first: str) -> list[Saved] | None:
    """Of the pages whose paths begin with this word, by page and name; None where they can't be asked for now."""
    project_id = view.project.project_id
    try:
        found = await known(view.deps.views.of_project(project_id), WHAT)
    except Unavailable:
        return None
    return [_saved(view, each) for each in found if each.shown.page.partition("/")[0] == first]


def href_of(project_id: str, saved: SavedView) -> str:
    """The address of what was saved."""
    shown = saved.shown
    return home(project_id, shown.page) + (f"?{shown.state}" if shown.state else "")


def _saved(view: View, saved: SavedView) -> Saved:
    shown = saved.shown
    is_here = shown.page == view.name and sorted(parse_qsl(shown.state)) == sorted(_given(view))
    return Saved(shown.name, shown.page, href_of(view.project.project_id, saved), is_here)


def _given(view: View) -> list[tuple[str, str]]:
    given = view.request.query_params.multi_items()
    return [(name, value) for name, value in given if value and name != "theme"]
