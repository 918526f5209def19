"""Merges of error groups, kept in Postgres (grouping.md, "Merging and splitting").

A merge is kept as it was made: the head of one group into the head of another. So they form trees, whose roots head
the groups, and taking one merge back gives the groups that would be there without it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from shared.audit import Deed, audit, command_line
from shared.clients.postgres import Connection, Postgres
from shared.projects import get_project

MERGES = "sluice:groups:merged"
"""Redis channel that tells every gateway the id of a project whose merges have changed."""

MOST_MERGES = 10_000
"""Of one project: every reading query carries them."""


class BadMerge(Exception):
    """A merge that can't be made or taken back. The text says why."""


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """A merge as people see it. `head` heads the group that the fingerprint is in by now."""

    fingerprint: str
    into_fingerprint: str
    head: str
    merged_by: str
    merged_at: datetime


class Merges:
    """Which fingerprints of a project are one group."""

    __slots__ = ("_groups", "heads")

    def __init__(self, made: Mapping[str, str]) -> None:
        """`made`: fingerprint -> the one that it was merged into."""
        self.heads = _heads(made)
        """Each fingerprint that is in another one's group -> the head of that group."""
        self._groups: dict[str, list[str]] = {}
        for fingerprint, head in self.heads.items():
            self._groups.setdefault(head, []).append(fingerprint)

    def head_of(self, fingerprint: str) -> str:
        """The fingerprint that its group goes by: itself, unless it was merged into another."""
        return self.heads.get(fingerprint, fingerprint)

    def members(self, fingerprint: str) -> list[str]:
        """All fingerprints of its group, the head first."""
        head = self.head_of(fingerprint)
        return [head, *sorted(self._groups.get(head, ()))]

    def __len__(self) -> int:
        return len(self.heads)


def _heads(made: Mapping[str, str]) -> dict[str, str]:
    """A circle, which only a hand in the database can make, has no root: the first of its fingerprints heads it."""
    heads: dict[str, str] = {}
    for fingerprint in made:
        walked: dict[str, None] = {}
        at = fingerprint
        while at in made and at not in heads and at not in walked:
            walked[at] = None
            at = made[at]
        head = min(walked) if at in walked else heads.get(at, at)
        heads |= dict.fromkeys(walked, head)
    return {fingerprint: head for fingerprint, head in heads.items() if head != fingerprint}


def merge_groups(db: Connection, project_id: str, fingerprints: Sequence[str], into: str, *, by: str) -> list[str]:
    """Merge the groups of these fingerprints into the group of another; returns all fingerprints of that, head first.

    Each stands for its whole group. What is one group already stays as it is. Raises `UnknownProject`, `BadMerge`.
    """
    get_project(db, project_id)  # locks the project: one change at a time, or two could make a circle
    made = _made(db, project_id)
    for fingerprint in fingerprints:
        if fingerprint == into:
            raise BadMerge(f"{fingerprint} can't be merged into itself")
        merges = Merges(made)
        own, head = merges.head_of(fingerprint), merges.head_of(into)
        if own != head:
            made[own] = head
            _insert(db, project_id, own, head, by)
    if len(made) > MOST_MERGES:
        raise BadMerge(f"the project would have {len(made):,} merges, {MOST_MERGES:,} are allowed: use a rule instead")
    return Merges(made).members(into)


def unmerge_group(db: Connection, project_id: str, fingerprint: str, *, by: str | None = None) -> list[str]:
    """Take back the merge of a fingerprint; returns the fingerprints of the group that it heads again.

    Raises `UnknownProject`, `BadMerge`.
    """
    get_project(db, project_id)
    made = _made(db, project_id)
    if fingerprint not in made:
        merged = [each for each, into in made.items() if into == fingerprint]
        hint = f": unmerge what was merged into it, such as {merged[0]}" if merged else ""
        raise BadMerge(f"{fingerprint} was not merged into another group{hint}")
    detail = {"from": made.pop(fingerprint)}
    db.execute("DELETE FROM group_merges WHERE project_id = %s AND fingerprint = %s", [project_id, fingerprint])
    deed = Deed(action="groups.unmerged", subject=fingerprint, project_id=project_id, detail=detail)
    audit(db, deed, command_line(by))
    return Merges(made).members(fingerprint)


def list_merges(db: Connection, project_id: str) -> list[Merge]:
    """The merges of a project, the oldest first. Raises `UnknownProject`."""
    get_project(db, project_id)
    rows = db.execute(
        "SELECT fingerprint, into_fingerprint, merged_by, merged_at FROM group_merges WHERE project_id = %s"
        " ORDER BY merged_at, fingerprint",
        [project_id],
    ).fetchall()
    merges = Merges({row[0]: row[1] for row in rows})
    return [
        Merge(fingerprint=of, into_fingerprint=into, head=merges.head_of(of), merged_by=by, merged_at=at)
        for of, into, by, at in rows
    ]


async def find_merges(db: Postgres, project_ids: Sequence[str]) -> dict[str, Merges]:
    """Project -> its merges, of those that have some. Raises `PostgresUnavailable`."""
    rows = await db.query(
        "SELECT project_id, fingerprint, into_fingerprint FROM group_merges WHERE project_id = ANY(%s)",
        [list(project_ids)],
    )
    made: dict[str, dict[str, str]] = {}
    for project_id, fingerprint, into in rows:
        made.setdefault(project_id, {})[fingerprint] = into
    return {project_id: Merges(each) for project_id, each in made.items()}


def _made(db: Connection, project_id: str) -> dict[str, str]:
    rows: Iterable[tuple[str, str]] = db.execute(
        "SELECT fingerprint, into_fingerprint FROM group_merges WHERE project_id = %s", [project_id]
    )
    return dict(rows)


def _insert(db: Connection, project_id: str, fingerprint: str, into: str, by: str) -> None:
    db.execute(
        "INSERT INTO group_merges (project_id, fingerprint, into_fingerprint, merged_by) VALUES (%s, %s, %s, %s)",
        [project_id, fingerprint, into, by],
    )
    deed = Deed(action="groups.merged", subject=fingerprint, project_id=project_id, detail={"into": into})
    audit(db, deed, command_line(by))
