"""Settings, Drain: owners connect Vercel's drain with the project (pages.md, "Settings")."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway.query.pages.page import Page
from gateway.query.pages.roles import check_role
from gateway.query.pages.view import View
from gateway.query.postgres import known
from gateway.query.settings import WHAT
from shared.project_drain import MAX_SECRET, MIN_SECRET, Drain, new_secret
from shared.projects import MAX_HEADER, find_project, is_header_text

_BAD_SECRET = f"A secret has {MIN_SECRET} to {MAX_SECRET} printable characters, without spaces around it."
_BAD_CODE = f"A code is printable ASCII, at most {MAX_HEADER} characters: copy it from Vercel as it is shown there."


async def _find(view: View) -> Mapping[str, Any]:
    remove = view.given.choice("remove", ("secret",), "")
    view.finish()
    return await _shown(view, removing=bool(remove))


async def _send(view: View, fields: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
    """Raises `LacksRole`, `Unavailable`."""
    view.finish()
    check_role(view.visitor, "owner", view.project.project_id)
    secret, code = fields.get("secret", "").strip(), fields.get("verify", "").strip()
    match fields.get("do"):
        case "make":
            made = new_secret()
            return await _changed(view, Drain(secret=made), "", made=made)
        case "secret" if MIN_SECRET <= len(secret) <= MAX_SECRET and secret.isprintable():
            return await _changed(view, Drain(secret=secret), "The secret is set: deliveries must be signed with it.")
        case "secret":
            return 422, await _shown(view, problems={"secret": _BAD_SECRET})
        case "remove":
            return await _changed(view, Drain(secret=""), "The secret is gone: deliveries need not be signed.")
        case "verify" if not code or is_header_text(code):
            return await _changed(view, Drain(verify=code), "The code is set." if code else "The code is gone.")
        case _:
            return 422, await _shown(view, problems={"verify": _BAD_CODE})


async def _changed(view: View, drain: Drain, said: str, made: str = "") -> tuple[int, Mapping[str, Any]]:
    settings, project_id = view.deps.known_settings, view.project.project_id
    await settings.change(project_id, partial(settings.drain.change, project_id, drain, view.actor))
    return 200, await _shown(view, said=said, made=made)


async def _shown(
    view: View, *, removing: bool = False, problems: Mapping[str, str] | None = None, said: str = "", made: str = ""
) -> Mapping[str, Any]:
    """Whether a secret is set, never the secret. `made`: one of ours, this once."""
    project_id = view.project.project_id
    is_owner = view.visitor.may("owner", project_id)
    project = await known(find_project(view.deps.known_settings.postgres, project_id), WHAT) if is_owner else None
    return {
        "is_owner": is_owner,
        "address": f"{view.base_url}/ingest/drain/{project_id}",
        "verify": (project and project.drain_verify) or "",
        "is_signed": bool(project and project.drain_secret),
        "removing": removing and bool(project and project.drain_secret),
        "problems": problems or {},
        "said": said,
        "made": made,
    }


DRAIN = Page("settings/drain", "settings/drain.html", _find, send=_send, for_agents=True)
