"""Entries of the audit log: who changed what, and from where (operating.md, "Audit log").

The function that makes a change writes its entry too, in the same transaction: neither is there without the other.
Nothing of an entry may be a secret.
"""

import getpass
import os
import platform
from collections.abc import Mapping
from typing import Any, Literal, LiteralString, get_args

import msgspec

from shared.clients.postgres import AsyncConnection, Connection, refusals

ALL = "*"
"""In place of a project's id: what was done concerns every project."""

Action = Literal[
    "project.made",
    "project.changed",
    "key.made",
    "key.rotated",
    "key.revoked",
    "user.made",
    "user.role",
    "user.password",
    "user.link",
    "user.disabled",
    "user.enabled",
    "session.begun",
    "session.refused",
    "session.ended",
    "view.made",
    "view.changed",
    "view.deleted",
    "alert.made",
    "alert.changed",
    "alert.deleted",
    "rules.set",
    "rules.restored",
    "groups.merged",
    "groups.unmerged",
    "sourcemaps.uploaded",
    "sourcemaps.deleted",
    "queue.replayed",
    "letters.redriven",
    "letters.purged",
]
"""What is written down: the kind of thing, and what happened to it."""

ACTIONS: tuple[Action, ...] = get_args(Action)
KINDS: tuple[str, ...] = tuple(dict.fromkeys(action.partition(".")[0] for action in ACTIONS))

MAX_TEXT = 300
MAX_ITEMS = 20
"""Of a list or an object in a detail."""


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who does something. `id`: of the user or key, whose name is then looked up. `address`: of the client; of a
    command its machine."""

    kind: Literal["user", "key", "command", "sluice", "stranger"]
    id: str = ""
    name: str = ""
    address: str = ""


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What was done. `subject`: the id or name of what it was done to. `project_id`: None for a key's own project, or
    none. `user_id`: whom it is about. `hourly`: so many of the same actor, project and user are kept an hour, where
    strangers could fill the log; None: all."""

    action: Action
    subject: str = ""
    project_id: str | None = None
    user_id: str | None = None
    detail: Mapping[str, Any] = {}
    hourly: int | None = None


def account() -> str:
    """The name of the account that this process runs as."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        return f"uid {os.getuid()}"


def command_line(name: str | None = None) -> Actor:
    """Who runs this command. `name`: as they say themselves."""
    return Actor(kind="command", name=name or account(), address=platform.node())


def audit(db: Connection, deed: Deed, by: Actor | None = None) -> None:
    """Write an entry. `by`: None for this command line, as nothing else has such a connection."""
    db.execute(_INSERT, _values(deed, by or command_line()))


async def audit_async(db: AsyncConnection, deed: Deed, by: Actor) -> bool:
    """Write an entry; False where there are `hourly` of it."""
    return (await db.execute(_INSERT, _values(deed, by))).rowcount == 1


async def audit_command(lock: AsyncConnection, deed: Deed) -> None:
    """Write what a command is about to do under a lock, where the change itself is not in Postgres. Raises
    `PostgresUnavailable`, `QueryRefused`."""
    with refusals():
        await audit_async(lock, deed, command_line())


_INSERT: LiteralString = """
    INSERT INTO audit_log (project_id, user_id, actor_kind, actor_id, actor, address, action, subject, detail)
    SELECT about.project_id, %(user)s, %(kind)s, %(actor)s, coalesce(nullif(%(name)s, ''),
        (SELECT name FROM users WHERE id = %(actor)s),
        (SELECT coalesce(nullif(name, ''), prefix) FROM keys WHERE id = %(actor)s), ''),
        %(address)s, %(action)s, %(subject)s, %(detail)s::jsonb
    FROM (SELECT coalesce(%(project)s::text, (SELECT project_id FROM keys WHERE id = %(actor)s)) AS project_id) AS about
    WHERE %(hourly)s::bigint IS NULL OR %(hourly)s > (SELECT count(*) FROM (
        SELECT FROM audit_log AS past WHERE past.action = %(action)s AND past.at > now() - interval '1 hour'
        AND past.actor_id = %(actor)s AND past.project_id IS NOT DISTINCT FROM about.project_id
        AND past.user_id IS NOT DISTINCT FROM %(user)s::text LIMIT %(hourly)s) AS recent)
"""


def _values(deed: Deed, by: Actor) -> dict[str, Any]:
    return {
        "project": deed.project_id,
        "user": deed.user_id,
        "kind": by.kind,
        "actor": by.id,
        "name": _text(by.name),
        "address": _text(by.address),
        "action": deed.action,
        "subject": _text(deed.subject),
        "detail": msgspec.json.encode(_bounded(deed.detail)).decode(),
        "hourly": deed.hourly,
    }


def _bounded(value: Any) -> Any:
    """The same, no larger than an entry may be."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return {_text(str(name)): _bounded(value[name]) for name in list(value)[:MAX_ITEMS]}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else list(value)
        more = [f"and {len(items) - MAX_ITEMS:,} more"] if len(items) > MAX_ITEMS else []
        return [*map(_bounded, items[:MAX_ITEMS]), *more]
    return value


def _text(text: str) -> str:
    """What Postgres keeps of a text: it takes neither NUL nor half a surrogate pair."""
    cut = text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
    return cut.replace("\0", "\ufffd").encode(errors="replace").decode()
