"""Projects, kept in Postgres: the owners of keys and rows, and the rules that all of a project's keys share."""

import re
import secrets
from collections.abc import Sequence
from typing import Any, LiteralString

import msgspec

from shared.audit import Deed, audit
from shared.clients.postgres import Connection, Postgres
from shared.signals.base import RETENTION_DAYS

_ALL: LiteralString = (
    "SELECT id, name, retention_days, rate_limit, drain_secret, drain_verify, drain_limit, lane_records_s FROM projects"
)
OF_ID: LiteralString = f"{_ALL} WHERE id = %s"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


MAX_HEADER = 255
"""Longest value of a header that people may set."""


class UnknownProject(Exception):
    """No project has this id."""


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant. Limits are requests a minute, 0 is none.

    `rate_limit`: of each of its keys that has no limit of its own; None: the gateway's default. `drain_limit`: of
    drains; None: `rate_limit`, and where that is None too, none. `lane_records_s`: records a second above which it
    takes the overflow topics (delivery.md, "The overflow topics"); None: the gateway's default, 0: never.
    """

    id: str
    name: str
    retention_days: int = 30
    rate_limit: int | None = None
    drain_secret: str | None = None
    drain_verify: str | None = None
    drain_limit: int | None = None
    lane_records_s: int | None = None


def is_header_text(text: str) -> bool:
    """Whether it can be the value of a header."""
    return text.isascii() and text.isprintable() and text == text.strip() and len(text) <= MAX_HEADER


def is_project_id(text: str) -> bool:
    """Whether a new project may have this id: it stands in paths."""
    return _ID.fullmatch(text) is not None


def new_project_id(name: str) -> str:
    """A unique id that shows the project's name."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:32].rstrip("-")
    return f"{slug or 'project'}-{secrets.token_hex(4)}"


def create_project(db: Connection, project: Project) -> bool:
    """Store a project; False where its id is taken already (nothing is changed then).

    Raises ValueError for a retention that tables are not partitioned for, or a limit below 0.
    """
    _check(project)
    done = db.execute(
        "INSERT INTO projects (id, name, retention_days, rate_limit, drain_secret, drain_verify, drain_limit,"
        " lane_records_s) VALUES (%(id)s, %(name)s, %(retention_days)s, %(rate_limit)s, %(drain_secret)s,"
        " %(drain_verify)s, %(drain_limit)s, %(lane_records_s)s) ON CONFLICT (id) DO NOTHING",
        msgspec.structs.asdict(project),
    )
    if done.rowcount == 1:
        audit(db, Deed(action="project.made", subject=project.name, project_id=project.id, detail=_rules(project)))
    return done.rowcount == 1


def update_project(db: Connection, project: Project) -> list[str]:
    """Store a project's new rules; returns the hashes of its keys, to be published on `keys.REVOCATIONS`.

    Raises `UnknownProject`, and ValueError as `create_project` does.
    """
    _check(project)
    changes = changes_of(get_project(db, project.id), project)
    db.execute(
        "UPDATE projects SET name = %(name)s, retention_days = %(retention_days)s, rate_limit = %(rate_limit)s,"
        " drain_secret = %(drain_secret)s, drain_verify = %(drain_verify)s, drain_limit = %(drain_limit)s,"
        " lane_records_s = %(lane_records_s)s WHERE id = %(id)s",
        msgspec.structs.asdict(project),
    )
    if changes:
        audit(db, Deed(action="project.changed", subject=project.name, project_id=project.id, detail=changes))
    return hashes_of(db, project.id)


def hashes_of(db: Connection, project_id: str) -> list[str]:
    """The hashes of all keys of a project."""
    return [str(row[0]) for row in db.execute("SELECT hash FROM keys WHERE project_id = %s", [project_id]).fetchall()]


def get_project(db: Connection, project_id: str) -> Project:
    """Raises `UnknownProject`."""
    row = db.execute(OF_ID + " FOR UPDATE", [project_id]).fetchone()
    if row is None:
        raise unknown(project_id)
    return project_of(row)


def list_projects(db: Connection) -> list[Project]:
    """All of them, the oldest first."""
    rows = db.execute(f"{_ALL} ORDER BY created_at, id").fetchall()
    return [project_of(row) for row in rows]


async def find_project(db: Postgres, project_id: str) -> Project:
    """Raises `UnknownProject`, `PostgresUnavailable`."""
    rows = await db.query(OF_ID, [project_id])
    if not rows:
        raise unknown(project_id)
    return project_of(rows[0])


async def find_drain_verify(db: Postgres, project_ids: Sequence[str]) -> dict[str, str]:
    """Project id -> what the project's drains are verified with, of those that there are and that have a code.

    Raises `PostgresUnavailable`.
    """
    asked = [
        project_id for project_id in project_ids if project_id.isprintable()
    ]  # Postgres refuses some of the others
    rows = await db.query("SELECT id, drain_verify FROM projects WHERE id = ANY(%s)", [asked])
    return {project_id: code for project_id, code in rows if code is not None}


def changes_of(before: Project, after: Project) -> dict[str, Any]:
    """What the audit log keeps of a change: field -> [before, after]."""
    old, new = _rules(before), _rules(after)
    changes: dict[str, Any] = {name: [old[name], new[name]] for name in old if old[name] != new[name]}
    if before.drain_secret and after.drain_secret and before.drain_secret != after.drain_secret:
        changes["drain_secret"] = ["set", "replaced"]
    return changes


def _rules(project: Project) -> dict[str, Any]:
    """All but its id, and of the drain's secret only whether there is one."""
    rules = msgspec.structs.asdict(project)
    del rules["id"]
    return rules | {"drain_secret": "set" if project.drain_secret else "none"}


def _check(project: Project) -> None:
    if project.retention_days not in RETENTION_DAYS:
        choices = ", ".join(map(str, RETENTION_DAYS))
        raise ValueError(f"retention_days is {project.retention_days}, it must be one of {choices}")
    if any((limit or 0) < 0 for limit in (project.rate_limit, project.drain_limit, project.lane_records_s)):
        raise ValueError("a limit can't be below 0 (0: none)")


def unknown(project_id: str) -> UnknownProject:
    return UnknownProject(f"there is no project {project_id!r}")


def project_of(row: tuple[Any, ...]) -> Project:
    return Project(**dict(zip(Project.__struct_fields__, row, strict=True)))
