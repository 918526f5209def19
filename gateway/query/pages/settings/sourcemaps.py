"""Settings, Source maps: what is uploaded of each release (pages.md, "Settings")."""

from collections.abc import Mapping
from typing import Any

from gateway.query.pages.page import Page
from gateway.query.pages.view import View
from gateway.query.settings import asked

MOST_SHOWN = 500


async def _find(view: View) -> Mapping[str, Any]:
    view.finish()
    releases = await asked(view.deps.known_settings.sourcemaps.releases(view.project.project_id))
    return {"releases": releases[:MOST_SHOWN], "more": max(0, len(releases) - MOST_SHOWN)}


SOURCEMAPS = Page("settings/sourcemaps", "settings/sourcemaps.html", _find)
