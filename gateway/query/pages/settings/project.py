"""Settings, Project: how long it keeps rows, and its limits (pages.md, "Settings")."""

from collections.abc import Mapping
from typing import Any

from gateway.query.pages.page import Page
from gateway.query.pages.view import View
from gateway.query.postgres import known
from gateway.query.settings import WHAT
from shared.projects import find_project


async def _find(view: View) -> Mapping[str, Any]:
    """Whether a drain's secret is set, never the secret."""
    view.finish()
    settings = view.deps.known_settings
    project = await known(find_project(settings.postgres, view.project.project_id), WHAT)
    return {
        "name": project.name,
        "retention_days": project.retention_days,
        "rate_limit": project.rate_limit,
        "drain_limit": project.drain_limit if project.drain_limit is not None else project.rate_limit,
        "lane_records_s": project.lane_records_s,
        "drain_is_signed": project.drain_secret is not None,
        "usual": settings.usual,
    }


PROJECT = Page("settings/project", "settings/project.html", _find, for_agents=True)
