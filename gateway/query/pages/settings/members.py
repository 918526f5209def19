"""Settings, Members: who may look at the project, and what else (pages.md, "Settings")."""

from collections.abc import Mapping
from typing import Any

from gateway.query.pages.page import Page
from gateway.query.pages.view import View
from gateway.query.postgres import known
from gateway.query.settings import WHAT
from shared.users import find_members


async def _find(view: View) -> Mapping[str, Any]:
    """A key that was pasted sees no names of people: it may be anybody's."""
    view.finish()
    if view.visitor.is_key:
        return {"members": []}
    postgres = view.deps.known_settings.postgres
    return {"members": await known(find_members(postgres, view.project.project_id), WHAT)}


MEMBERS = Page("settings/members", "settings/members.html", _find, for_agents=True)
