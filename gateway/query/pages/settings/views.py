"""Settings, Views: saved searches (pages.md, "Settings")."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.query.pages.page import Page
from gateway.query.pages.times import day
from gateway.query.pages.view import View, home
from gateway.query.settings import asked
from shared.views import View as SavedView


class ViewRow(NamedTuple):
    page: str
    name: str
    href: str
    by: str
    changed: str


async def _find(view: View) -> Mapping[str, Any]:
    view.finish()
    project_id = view.project.project_id
    return {"views": [_row(project_id, each) for each in await asked(view.deps.views.of_project(project_id))]}


def _row(project_id: str, saved: SavedView) -> ViewRow:
    shown = saved.shown
    href = home(project_id, shown.page) + (f"?{shown.state}" if shown.state else "")
    return ViewRow(shown.page, shown.name, href, saved.created_by_name or saved.created_by, day(saved.updated_at))


VIEWS = Page("settings/views", "settings/views.html", _find)
