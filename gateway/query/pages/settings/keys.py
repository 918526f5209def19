"""Settings, Keys: owners see them, make them and end them (pages.md, "Settings")."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import structlog

from gateway.query.pages.empty import FIRST
from gateway.query.pages.page import Page
from gateway.query.pages.roles import check_role
from gateway.query.pages.settings.key_form import EMPTY, SCOPES, KeyForm, parse_key_form
from gateway.query.pages.times import day, minute
from gateway.query.pages.view import View
from gateway.query.postgres import known
from gateway.query.settings import WHAT
from shared.formats.values import microseconds
from shared.keys import Key, UnreadableKey
from shared.project_keys import MOST_KEYS, TooManyKeys
from shared.projects import find_project

_NO_KEY = "The project has no such key."
_FULL = f"The project has {MOST_KEYS} keys, the most that it may have: revoke some."

_log = structlog.get_logger(__name__)


class KeyRow(NamedTuple):
    """`state`: '' for good, else revoked, expired, or until when it is good. `problem`: why its row can't be read."""

    id: str
    prefix: str
    name: str
    scopes: str
    origins: Sequence[str]
    limits: str
    created: str
    state: str
    problem: str = ""

    @property
    def can_be_revoked(self) -> bool:
        return self.state != "revoked"

    @property
    def can_be_rotated(self) -> bool:
        return not self.problem and self.state not in ("revoked", "expired")


async def _find(view: View) -> Mapping[str, Any]:
    revoke, rotate = (view.given.text(name, most=100) or "" for name in ("revoke", "rotate"))
    view.finish()
    return await _shown(view, EMPTY, revoke=revoke, rotate=rotate)


async def _send(view: View, fields: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
    """Raises `LacksRole`, `Unavailable`."""
    view.finish()
    check_role(view.visitor, "owner", view.project.project_id)
    if key_id := fields.get("revoke"):
        return await _revoke(view, key_id)
    if key_id := fields.get("rotate"):
        return await _rotate(view, key_id)
    return await _make(view, parse_key_form(fields, await _most(view)))


async def _most(view: View) -> Mapping[str, int]:
    """What the project's keys may have, by kind; 0: any number."""
    settings = view.deps.known_settings
    project = await known(find_project(settings.postgres, view.project.project_id), WHAT)
    ingest = settings.usual.ingest if project.rate_limit is None else project.rate_limit
    return {"ingest": ingest, "read": settings.usual.read}


async def _make(view: View, form: KeyForm) -> tuple[int, Mapping[str, Any]]:
    if form.key is None:
        return 422, await _shown(view, form)
    settings, project_id = view.deps.known_settings, view.project.project_id
    try:
        token = await settings.change(project_id, partial(settings.keys.add, project_id, form.key, view.actor))
    except TooManyKeys:
        return 409, await _shown(view, form._replace(problems={"name": _FULL}))
    _log.info("key made", project_id=project_id, by=view.visitor.name, scopes=form.key.scopes)
    first = FIRST if "ingest" in form.key.scopes else None
    return 200, await _shown(view, EMPTY, made=(form.key.name, token), first_log=first)


async def _rotate(view: View, key_id: str) -> tuple[int, Mapping[str, Any]]:
    settings, project_id = view.deps.known_settings, view.project.project_id
    try:
        rotate = partial(settings.keys.rotate, project_id, key_id, view.actor)
        made = None if "\0" in key_id else await settings.change(project_id, rotate)
    except (TooManyKeys, ValueError) as error:
        return 409, await _shown(view, EMPTY, said=_FULL if isinstance(error, TooManyKeys) else f"{error}.")
    if made is None:
        return 404, await _shown(view, EMPTY, said=_NO_KEY)
    _log.info("key rotated", project_id=project_id, by=view.visitor.name, key_id=key_id)
    return 200, await _shown(view, EMPTY, made=made)


async def _revoke(view: View, key_id: str) -> tuple[int, Mapping[str, Any]]:
    settings, project_id = view.deps.known_settings, view.project.project_id
    revoke = partial(settings.keys.revoke, project_id, key_id, view.actor)
    if "\0" in key_id or not await settings.change(project_id, revoke):
        return 404, await _shown(view, EMPTY, said=_NO_KEY)
    _log.info("key revoked", project_id=project_id, by=view.visitor.name, key_id=key_id)
    return 200, await _shown(view, EMPTY, said="The key is revoked. Within seconds no gateway takes it any more.")


async def _shown(
    view: View,
    form: KeyForm,
    *,
    revoke: str = "",
    rotate: str = "",
    made: tuple[str, str] | None = None,
    said: str = "",
    first_log: tuple[str, str] | None = None,
) -> Mapping[str, Any]:
    """`revoke`, `rotate`: the id of a key that is asked about once more; `first_log`: what a new key is offered to
    send, the end of the route and the body."""
    is_owner = view.visitor.may("owner", view.project.project_id)
    now = datetime.now(UTC)
    keys = view.deps.known_settings.keys
    found = await known(keys.of_project(view.project.project_id), WHAT) if is_owner else []
    rows = [_row(key, now) for key in found]
    return {
        "is_owner": is_owner,
        "rows": rows,
        "revoking": next((row for row in rows if row.id == revoke and row.can_be_revoked), None),
        "rotating": next((row for row in rows if row.id == rotate and row.can_be_rotated), None),
        "form": form,
        "scopes": SCOPES,
        "made": made,
        "first_log": first_log,
        "said": said,
    }


def _row(key: Key | UnreadableKey, now: datetime) -> KeyRow:
    if isinstance(key, UnreadableKey):
        return KeyRow(key.id, key.prefix, "", "", (), "", "", "", key.problem)
    limits = {"ingest": key.ingest_limit, "read": key.read_limit}
    kinds = dict.fromkeys("ingest" if scope == "ingest" else "read" for scope in key.scopes)
    return KeyRow(
        id=key.id,
        prefix=key.prefix,
        name=key.name,
        scopes=", ".join(key.scopes),
        origins=key.origins,
        limits=", ".join(_limit_text(limits[kind]) for kind in kinds),
        created=day(microseconds(key.created_at)),
        state=_state(key, now),
    )


def _limit_text(limit: int | None) -> str:
    return "usual" if limit is None else f"{limit:,}" if limit else "no limit"


def _state(key: Key, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is None:
        return ""
    return "expired" if key.expires_at <= now else f"ends {minute(microseconds(key.expires_at))}"


KEYS = Page("settings", "settings/keys.html", _find, title="Settings", key="s", send=_send, for_agents=True)
