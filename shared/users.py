"""Users: people who look at the pages, and their role in each project. Kept in Postgres (operating.md, "Users")."""

import secrets
from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec

from shared.audit import Deed, audit
from shared.clients.postgres import Connection, Postgres
from shared.keys import hash_key
from shared.projects import get_project

Role = Literal["viewer", "member", "owner"]
"""What a user may do in a project. Each may do what those before it may."""

ROLES: tuple[Role, ...] = get_args(Role)

MAX_NAME = 64

LINK_LIFE = timedelta(hours=24)
"""How long a one-time link is good, if it isn't used."""


class UnknownUser(Exception):
    """No user has this name."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """`roles`: project -> role in it. `has_password`: without one, only a one-time link logs in."""

    id: str
    name: str
    roles: dict[str, str]
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None = None


def create_user(db: Connection, name: str, password_hash: str | None) -> bool:
    """Store a user; False where the name is taken, in any case of its letters. Raises ValueError for a bad name."""
    if not 0 < len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
        raise ValueError(f"a user's name has 1 to {MAX_NAME} printable characters, no spaces around it")
    user_id = f"user_{secrets.token_hex(8)}"
    done = db.execute(
        "INSERT INTO users (id, name, password) VALUES (%s, %s, %s) ON CONFLICT (lower(name)) DO NOTHING",
        [user_id, name, password_hash],
    )
    if done.rowcount == 1:
        audit(db, Deed(action="user.made", subject=name, user_id=user_id))
    return done.rowcount == 1


def grant(db: Connection, name: str, project_id: str, role: Role | None) -> None:
    """Give a user this role in a project instead of any other; None takes it away.

    Raises `UnknownUser`, `UnknownProject`.
    """
    user_id = _id_of(db, name)
    get_project(db, project_id)  # locks the project: one change of its members at a time
    of_both = [user_id, project_id]
    row = db.execute("SELECT role FROM user_roles WHERE user_id = %s AND project_id = %s", of_both).fetchone()
    before = None if row is None else row[0]
    if role == before:
        return
    if role is None:
        db.execute("DELETE FROM user_roles WHERE user_id = %s AND project_id = %s", of_both)
    else:
        db.execute(
            "INSERT INTO user_roles (user_id, project_id, role) VALUES (%s, %s, %s)"
            " ON CONFLICT (user_id, project_id) DO UPDATE SET role = excluded.role",
            [*of_both, role],
        )
    detail = {"role": [before or "none", role or "none"]}
    audit(db, Deed(action="user.role", subject=name, project_id=project_id, user_id=user_id, detail=detail))


def set_password(db: Connection, name: str, password_hash: str) -> None:
    """Store a new password and end the user's sessions. Raises `UnknownUser`."""
    user_id = _id_of(db, name)
    db.execute("UPDATE users SET password = %s WHERE id = %s", [password_hash, user_id])
    audit(db, Deed(action="user.password", subject=name, user_id=user_id, detail=_end_all(db, user_id)))


def disable(db: Connection, name: str) -> None:
    """The user can't log in any more, and sessions and links end. Raises `UnknownUser`."""
    user_id = _id_of(db, name)
    db.execute("UPDATE users SET disabled_at = coalesce(disabled_at, now()) WHERE id = %s", [user_id])
    audit(db, Deed(action="user.disabled", subject=name, user_id=user_id, detail=_end_all(db, user_id)))


def enable(db: Connection, name: str) -> None:
    """A disabled user can log in again. Raises `UnknownUser`."""
    user_id = _id_of(db, name)
    db.execute("UPDATE users SET disabled_at = NULL WHERE id = %s", [user_id])
    audit(db, Deed(action="user.enabled", subject=name, user_id=user_id))


def make_link(db: Connection, name: str) -> str:
    """The token of a new one-time link that logs this user in. Raises `UnknownUser`."""
    token = secrets.token_urlsafe(32)
    user_id = _id_of(db, name)
    db.execute("DELETE FROM login_links WHERE expires_at < now()")
    db.execute(
        "INSERT INTO login_links (hash, user_id, expires_at) VALUES (%s, %s, now() + %s)",
        [hash_key(token), user_id, LINK_LIFE],
    )
    audit(db, Deed(action="user.link", subject=name, user_id=user_id))
    return token


def login_link(url: str, token: str) -> str:
    """The address of a link. `url`: where the gateway is."""
    return f"{url.rstrip('/')}/login/link?token={token}"


def list_users(db: Connection) -> list[User]:
    """All users by name, disabled ones too."""
    rows = db.execute(
        "SELECT id, name, password IS NOT NULL, created_at, disabled_at,"
        " coalesce((SELECT jsonb_object_agg(project_id, role) FROM user_roles WHERE user_id = users.id), '{}')"
        " FROM users ORDER BY lower(name)"
    ).fetchall()
    return [
        User(id=row[0], name=row[1], has_password=row[2], created_at=row[3], disabled_at=row[4], roles=row[5])
        for row in rows
    ]


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A user who has a role in a project."""

    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None = None


async def find_members(db: Postgres, project_id: str) -> list[Member]:
    """The users of a project by name, disabled ones too. Raises `PostgresUnavailable`."""
    rows = await db.query(
        "SELECT name, role, created_at, disabled_at FROM user_roles JOIN users ON users.id = user_id"
        " WHERE project_id = %s ORDER BY lower(name)",
        [project_id],
    )
    return [Member(name=row[0], role=row[1], created_at=row[2], disabled_at=row[3]) for row in rows]


def _id_of(db: Connection, name: str) -> str:
    row = db.execute("SELECT id FROM users WHERE lower(name) = lower(%s)", [name]).fetchone()
    if row is None:
        raise UnknownUser(f"there is no user {name!r}: sluice user list shows all")
    return str(row[0])


def _end_all(db: Connection, user_id: str) -> dict[str, int]:
    """How many sessions and links were ended."""
    sessions = db.execute("DELETE FROM sessions WHERE user_id = %s", [user_id])
    links = db.execute("DELETE FROM login_links WHERE user_id = %s", [user_id])
    return {"sessions_ended": sessions.rowcount, "links_ended": links.rowcount}
