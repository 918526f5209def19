"""Settings, Views: saved searches; members save and delete them (pages.md, "Settings")."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec

from gateway.query.pages.page import Page
from gateway.query.pages.roles import check_role
from gateway.query.pages.saved import href_of
from gateway.query.pages.times import day
from gateway.query.pages.view import View
from gateway.query.postgres import known
from gateway.query.settings import WHAT
from gateway.query.views.refusals import TooMany
from gateway.query.views.shapes import ViewBody
from shared.views import NameTaken, TooManyViews
from shared.views import View as SavedView

_NO_NAME = "The view is not saved: it needs a name of one line, of at most 100 characters."
_ANOTHER = "Save it by another one, or delete that first."


class ViewRow(NamedTuple):
    id: str
    page: str
    name: str
    href: str
    by: str
    changed: str


async def _find(view: View) -> Mapping[str, Any]:
    delete = view.given.text("delete", most=100)
    view.finish()
    return await _shown(view, delete=delete or "")


async def _send(view: View, fields: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
    """Saves a view, or deletes one. Raises `LacksRole`, `Unavailable`."""
    view.finish()
    project_id, view_id = view.project.project_id, fields.get("delete", "")
    check_role(view.visitor, "member", project_id)
    if "name" in fields:
        return await _save(view, fields)
    settings, remove = view.deps.known_settings, partial(view.deps.views.remove, project_id, view_id, view.actor)
    if "\0" in view_id or await settings.change(project_id, remove) is None:
        return 404, await _shown(view, said="The project has no such view.")
    return 200, await _shown(view, said="The view is deleted.")


async def _save(view: View, fields: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
    given = {"page": fields.get("page", ""), "name": fields["name"].strip(), "state": fields.get("state", "")}
    project_id, views = view.project.project_id, view.deps.views
    try:
        shown = msgspec.convert(given, ViewBody).shown
        add = partial(views.add, project_id, shown, view.actor)
        await view.deps.known_settings.change(project_id, add)
    except msgspec.ValidationError:
        return 422, await _shown(view, said=_NO_NAME)
    except NameTaken:
        return 409, await _shown(view, said=f"The page has a view of this name already: {shown.name}. {_ANOTHER}")
    except TooManyViews:
        return 409, await _shown(view, said=f"{TooMany.sentence}.")
    return 200, await _shown(view, said=f"The view is saved: {shown.name}.")


async def _shown(view: View, *, delete: str = "", said: str = "") -> Mapping[str, Any]:
    """`delete`: the id of a view that is asked about once more."""
    project_id = view.project.project_id
    rows = [_row(project_id, each) for each in await known(view.deps.views.of_project(project_id), WHAT)]
    may_delete = view.visitor.may("member", project_id)
    deleting = next((row for row in rows if row.id == delete), None) if may_delete else None
    return {"views": rows, "may_delete": may_delete, "deleting": deleting, "said": said}


def _row(project_id: str, saved: SavedView) -> ViewRow:
    shown = saved.shown
    by = saved.created_by_name or saved.created_by
    return ViewRow(saved.id, shown.page, shown.name, href_of(project_id, saved), by, day(saved.updated_at))


VIEWS = Page("settings/views", "settings/views.html", _find, send=_send, for_agents=True)
