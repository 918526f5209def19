"""Users whom a provider of OpenID Connect vouches for (operating.md, "Single sign-on")."""

import secrets
from collections.abc import Mapping

from shared.audit import Actor, Deed, audit_async
from shared.clients.postgres import AsyncConnection
from shared.users import MAX_NAME, Role


async def claim_user(
    db: AsyncConnection, email: str, roles: Mapping[str, Role | None], by: Actor, *, create: bool
) -> str | None:
    """The id of the user whose name is this address, with these roles by project, and others as they are.

    None where there is none and none may be made, and for a disabled one.
    """
    rows = await db.execute("SELECT id, disabled_at FROM users WHERE lower(name) = lower(%s) FOR UPDATE", [email])
    found = await rows.fetchone()
    if found is not None and found[1] is not None:
        return None
    if found is None and not (create and len(email) <= MAX_NAME):
        return None
    user_id = str(found[0]) if found else await _make(db, email, by)
    for project_id, role in roles.items():
        await _set_role(db, Deed(action="user.role", subject=email, project_id=project_id, user_id=user_id), role, by)
    return user_id


async def _make(db: AsyncConnection, email: str, by: Actor) -> str:
    """Two log-ins at once make one user: the second waits, and finds it."""
    user_id = f"user_{secrets.token_hex(8)}"
    done = await db.execute(
        "INSERT INTO users (id, name) VALUES (%s, %s) ON CONFLICT (lower(name)) DO UPDATE SET name = users.name"
        " RETURNING id",
        [user_id, email],
    )
    row = await done.fetchone()
    assert row is not None
    if row[0] == user_id:
        await audit_async(db, Deed(action="user.made", subject=email, user_id=user_id), by)
    return str(row[0])


async def _set_role(db: AsyncConnection, deed: Deed, role: Role | None, by: Actor) -> None:
    """Nothing where there is no such project."""
    of_both = [deed.user_id, deed.project_id]
    project = await db.execute("SELECT FROM projects WHERE id = %s FOR NO KEY UPDATE", [deed.project_id])
    rows = await db.execute("SELECT role FROM user_roles WHERE user_id = %s AND project_id = %s", of_both)
    row = await rows.fetchone()
    before = row and row[0]
    if project.rowcount == 0 or before == role:
        return
    if role is None:
        await db.execute("DELETE FROM user_roles WHERE user_id = %s AND project_id = %s", of_both)
    else:
        await db.execute(
            "INSERT INTO user_roles (user_id, project_id, role) VALUES (%s, %s, %s)"
            " ON CONFLICT (user_id, project_id) DO UPDATE SET role = excluded.role",
            [*of_both, role],
        )
    changed = {"role": [before or "none", role or "none"]}
    await audit_async(
        db,
        Deed(
            action=deed.action, subject=deed.subject, project_id=deed.project_id, user_id=deed.user_id, detail=changed
        ),
        by,
    )
