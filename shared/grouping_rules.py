"""The grouping rules of projects, kept in Postgres as revisions that never change (grouping.md, "Revisions")."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from weakref import WeakValueDictionary

import msgspec

from shared.audit import Deed, audit, command_line
from shared.clients.postgres import Connection, Postgres
from shared.fingerprint.rules import BadRules, Rule, Rules, read_rules
from shared.fingerprint.rules.rule import stored_text
from shared.projects import get_project, hashes_of


class RevisionId(NamedTuple):
    """A revision of a project's rules."""

    project_id: str
    revision: int


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A revision as people see it. 0 is the one without rules, which nobody made."""

    project_id: str
    revision: int
    rules: tuple[Rule, ...] = ()
    created_at: datetime | None = None
    created_by: str = ""


class UnknownRevision(Exception):
    """The project has no such revision."""


_compiled: WeakValueDictionary[tuple[int, str], Rules] = WeakValueDictionary()


def compiled(revision: int, text: str) -> Rules:
    """The rules of a stored text. While somebody holds a revision, everybody gets the same object: thousands of keys
    don't hold copies. Raises `BadRules`."""
    found = _compiled.get((revision, text))
    if found is None:
        found = _compiled[revision, text] = Rules(revision, read_rules(text))
    return found


def set_rules(db: Connection, project_id: str, rules: tuple[Rule, ...], *, by: str) -> tuple[int, list[str]]:
    """Make these the rules of a project, as a new revision unless they are its rules already; none: revision 0.

    Returns the revision, and the hashes of the project's keys, to be published on `keys.REVOCATIONS`. Raises
    `UnknownProject`.
    """
    get_project(db, project_id)  # locks the project: one change at a time
    try:
        current = get_revision(db, project_id)
        if rules == current.rules:
            return current.revision, hashes_of(db, project_id)
    except (UnknownRevision, BadRules):  # what can't be read is replaced
        pass
    revision = _new_revision(db, project_id, rules, by) if rules else 0
    db.execute("UPDATE projects SET rules_revision = %s WHERE id = %s", [revision, project_id])
    detail = {"rules": [rule.name for rule in rules]}
    audit(db, Deed(action="rules.set", subject=str(revision), project_id=project_id, detail=detail), command_line(by))
    return revision, hashes_of(db, project_id)


def _new_revision(db: Connection, project_id: str, rules: tuple[Rule, ...], by: str) -> int:
    """The number is the time, `20261126064424` (UTC), so that a database out of a backup doesn't give one out again."""
    row = db.execute(
        "INSERT INTO grouping_rules (project_id, revision, rules, created_by)"
        " SELECT %(project)s, greatest(to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS')::bigint,"
        " coalesce(max(revision), 0) + 1), %(rules)s::jsonb, %(by)s"
        " FROM grouping_rules WHERE project_id = %(project)s RETURNING revision",
        {"project": project_id, "rules": stored_text(rules).decode(), "by": by},
    ).fetchone()
    assert row is not None
    return int(row[0])


def restore_revision(db: Connection, project_id: str, revision: int, rules: tuple[Rule, ...], *, by: str) -> bool:
    """Put a lost revision back; False where it is there, which is then left as it is. The current one stays.

    Raises `UnknownProject`.
    """
    get_project(db, project_id)
    done = db.execute(
        "INSERT INTO grouping_rules (project_id, revision, rules, created_by) VALUES (%s, %s, %s::jsonb, %s)"
        " ON CONFLICT DO NOTHING",
        [project_id, revision, stored_text(rules).decode(), by],
    )
    if done.rowcount == 1:
        detail = {"rules": [rule.name for rule in rules]}
        deed = Deed(action="rules.restored", subject=str(revision), project_id=project_id, detail=detail)
        audit(db, deed, command_line(by))
    return done.rowcount == 1


def get_revision(db: Connection, project_id: str, revision: int | None = None) -> Revision:
    """A revision; None: the project's current one. Raises `UnknownProject`, `UnknownRevision`, `BadRules`."""
    get_project(db, project_id)
    if revision is None:
        row = db.execute("SELECT rules_revision FROM projects WHERE id = %s", [project_id]).fetchone()
        assert row is not None
        revision = int(row[0])
    if revision == 0:
        return Revision(project_id=project_id, revision=0)
    found = db.execute(
        "SELECT rules::text, created_at, created_by FROM grouping_rules WHERE project_id = %s AND revision = %s",
        [project_id, revision],
    ).fetchone()
    if found is None:
        raise UnknownRevision(f"project {project_id!r} has no revision {revision} of grouping rules")
    text, created_at, created_by = found
    rules = compiled(revision, text).rules
    return Revision(project_id=project_id, revision=revision, rules=rules, created_at=created_at, created_by=created_by)


async def find_rules(db: Postgres, wanted: Sequence[RevisionId]) -> dict[RevisionId, Rules]:
    """The rules of those revisions that there are. Raises `PostgresUnavailable`, `BadRules`."""
    rows = await db.query(
        "SELECT project_id, revision, rules::text FROM grouping_rules"
        " WHERE (project_id, revision) IN (SELECT * FROM unnest(%s::text[], %s::bigint[]))",
        [[each.project_id for each in wanted], [each.revision for each in wanted]],
    )
    return {RevisionId(project_id, revision): compiled(revision, text) for project_id, revision, text in rows}


async def current_revision(db: Postgres, project_id: str) -> int:
    """The revision that counts now; 0 also for a project that doesn't exist. Raises `PostgresUnavailable`."""
    rows = await db.query("SELECT rules_revision FROM projects WHERE id = %s", [project_id])
    return int(rows[0][0]) if rows else 0
