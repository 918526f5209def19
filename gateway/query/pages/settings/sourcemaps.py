"""Settings, Source maps: what is uploaded of each release (pages.md, "Settings")."""

from collections.abc import Mapping
from typing import Any

from gateway.query.pages.page import Page
from gateway.query.pages.view import View
from gateway.query.postgres import known
from gateway.query.settings import WHAT

MOST_SHOWN = 500


async def _find(view: View) -> Mapping[str, Any]:
    view.finish()
    index = view.deps.known_settings.sourcemaps
    releases = await known(index.releases(view.project.project_id, MOST_SHOWN + 1), WHAT)
    return {"releases": releases[:MOST_SHOWN], "more": len(releases) > MOST_SHOWN}


SOURCEMAPS = Page("settings/sourcemaps", "settings/sourcemaps.html", _find, for_agents=True)
