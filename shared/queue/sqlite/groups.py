"""Groups of consumers: membership, ownership, positions. Every function works inside a transaction given.

1. A member is alive while it renews its lease; the first member that sees a dead one removes it.
2. The member that changes the list also plans the next owner of every lane (`target`). An owner that is no longer the
   target gives the lane up by itself, and only then does the target take it: one owner at a time.
3. Taking a lane starts a new epoch of it. A position is stored only by the lane's owner under its present epoch.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from shared.queue.base import Epoch, Fenced, Group, GroupInUse, Lane, Position, UnknownGroup
from shared.queue.sqlite.sharing import share


@dataclass(frozen=True)
class Member:
    id: str
    group: str
    topics: frozenset[str]
    session_ms: int


class Membership(NamedTuple):
    """What a member owns. It must give up the `leaving` ones of its `owned` lanes; `version` is the group's."""

    version: int
    owned: dict[Lane, Epoch]
    leaving: frozenset[Lane]


# A deadline far ahead was set before a reboot; a minute of grace, since `now` is older than the wait for the lock.
_ALIVE = "deadline_ms BETWEEN :now AND :now + session_ms + 60000"
_EXPIRED = f'"group" = :group AND NOT ({_ALIVE})'


def sync(db: sqlite3.Connection, member: Member, now_ms: int) -> Membership:
    """Renew the lease (join, if there is none), update the group, take the free lanes planned for this member."""
    changed = _renew(db, member, now_ms) | _remove_dead(db, member.group, now_ms) | _add_lanes(db, member)
    if changed:
        _plan(db, member.group)
    taken = db.execute(
        "UPDATE owners SET member = target, assignment = assignment + 1,"
        ' generation = (SELECT generation FROM groups WHERE name = owners."group")'
        ' WHERE "group" = ? AND target = ? AND member IS NULL',
        (member.group, member.id),
    ).rowcount
    if taken:
        _tell(db, member.group)
    return _membership(db, member)


def news(db: sqlite3.Connection, member: Member, version: int, now_ms: int) -> bool:
    """True: there is a reason to sync (the group's version has moved on, or a member of it has died)."""
    (changed,) = db.execute(
        "SELECT NOT EXISTS (SELECT 1 FROM groups WHERE name = :group AND version = :version)"  # noqa: S608 - constants
        f" OR EXISTS (SELECT 1 FROM members WHERE {_EXPIRED})",
        {"group": member.group, "version": version, "now": now_ms},
    ).fetchone()
    return bool(changed)


def release(db: sqlite3.Connection, member: Member, lanes: Iterable[Lane]) -> None:
    """Give lanes up. Their next owner, even if it is this member, gets a new epoch."""
    db.executemany(
        'UPDATE owners SET member = NULL WHERE "group" = ? AND member = ?'
        " AND lane = (SELECT id FROM lanes WHERE topic = ? AND partition = ?)",
        [(member.group, member.id, *lane) for lane in lanes],
    )
    _tell(db, member.group)


def leave(db: sqlite3.Connection, member: Member) -> None:
    """End the membership; its lanes are free at once."""
    if db.execute("DELETE FROM members WHERE id = ?", (member.id,)).rowcount:
        _free_orphans(db, member.group)
        _plan(db, member.group)


def commit(db: sqlite3.Connection, group: str, lane: Lane, position: Position, epoch: Epoch) -> None:
    """Store a position. Raises `Fenced` unless the lane is owned under this very epoch."""
    stored = db.execute(
        'INSERT INTO positions SELECT "group", lane, ?, ? FROM owners JOIN lanes ON id = lane'
        ' WHERE "group" = ? AND topic = ? AND partition = ? AND generation = ? AND member = ? AND assignment = ?'
        ' ON CONFLICT ("group", lane) DO UPDATE SET offset = excluded.offset, metadata = excluded.metadata',
        (*position, group, *lane, *epoch),
    ).rowcount
    if stored < 1:
        raise Fenced(f"{lane} is not owned under {epoch} any more")


def committed(db: sqlite3.Connection, group: str, lanes: Iterable[Lane]) -> dict[Lane, Position | None]:
    rows = db.execute(
        'SELECT topic, partition, offset, metadata FROM positions JOIN lanes ON id = lane WHERE "group" = ?', (group,)
    )
    found = {Lane(topic, partition): Position(offset, metadata) for topic, partition, offset, metadata in rows}
    return {lane: found.get(lane) for lane in lanes}


def known(db: sqlite3.Connection, now_ms: int) -> list[Group]:
    """All groups, sorted."""
    alive = f'SELECT count(*) FROM members WHERE "group" = name AND {_ALIVE}'  # noqa: S608 - constants
    rows = db.execute(f"SELECT name, ({alive}) FROM groups ORDER BY name", {"now": now_ms})  # noqa: S608 - constants
    return [Group(*row) for row in rows]


def members(db: sqlite3.Connection, group: str, topic: str, now_ms: int) -> int:
    """How many are alive that read this topic."""
    (count,) = db.execute(
        f'SELECT count(*) FROM members WHERE "group" = :group AND {_ALIVE}'  # noqa: S608 - constants
        " AND EXISTS (SELECT 1 FROM json_each(topics) WHERE value = :topic)",
        {"group": group, "topic": topic, "now": now_ms},
    ).fetchone()
    return int(count)


def forget(db: sqlite3.Connection, group: str, now_ms: int) -> None:
    """Drop a group. Raises `GroupInUse`, `UnknownGroup`."""
    found = {each.name: each.members for each in known(db, now_ms)}
    if group not in found:
        raise UnknownGroup(f"there is no group {group!r}")
    if found[group]:
        raise GroupInUse(f"group {group!r} has {found[group]} members: stop them first")
    for table in ("members", "owners", "positions"):
        db.execute(f'DELETE FROM {table} WHERE "group" = ?', (group,))  # noqa: S608 - constants
    db.execute("DELETE FROM groups WHERE name = ?", (group,))


def _renew(db: sqlite3.Connection, member: Member, now_ms: int) -> bool:
    """True: the member is new, or was removed meanwhile."""
    deadline_ms = now_ms + member.session_ms
    if db.execute("UPDATE members SET deadline_ms = ? WHERE id = ?", (deadline_ms, member.id)).rowcount:
        return False
    row = (member.id, member.group, json.dumps(sorted(member.topics)), member.session_ms, deadline_ms)
    db.execute("INSERT INTO members VALUES (?, ?, ?, ?, ?)", row)
    db.execute("INSERT OR IGNORE INTO groups (name) VALUES (?)", (member.group,))
    return True


def _remove_dead(db: sqlite3.Connection, group: str, now_ms: int) -> bool:
    """Remove dead members. True: there was one."""
    dead = db.execute(f"DELETE FROM members WHERE {_EXPIRED}", {"group": group, "now": now_ms}).rowcount  # noqa: S608
    if dead:
        _free_orphans(db, group)
    return dead > 0


def _free_orphans(db: sqlite3.Connection, group: str) -> None:
    alive = 'SELECT id FROM members WHERE "group" = :group'
    db.execute(
        f'UPDATE owners SET member = NULL WHERE "group" = :group AND member NOT IN ({alive})',  # noqa: S608
        {"group": group},
    )


def _add_lanes(db: sqlite3.Connection, member: Member) -> bool:
    """Add lanes that are new to the group. True: there were some."""
    return bool(
        db.execute(
            'INSERT INTO owners ("group", lane) SELECT :group, id FROM lanes'
            " WHERE topic IN (SELECT value FROM json_each(:topics))"
            ' AND id NOT IN (SELECT lane FROM owners WHERE "group" = :group)',
            {"group": member.group, "topics": json.dumps(sorted(member.topics))},
        ).rowcount
    )


def _plan(db: sqlite3.Connection, group: str) -> None:
    """Plan the owner of every lane again."""
    members = db.execute('SELECT id, topics FROM members WHERE "group" = ?', (group,))
    wishes = {id_: frozenset(json.loads(topics)) for id_, topics in members}
    rows = db.execute(
        'SELECT topic, partition, id, target FROM owners JOIN lanes ON id = lane WHERE "group" = ?', (group,)
    ).fetchall()
    ids = {Lane(topic, partition): id_ for topic, partition, id_, _ in rows}
    targets = share({Lane(topic, partition): target for topic, partition, _, target in rows}, wishes)
    db.executemany(
        'UPDATE owners SET target = ? WHERE "group" = ? AND lane = ?',
        [(target, group, ids[lane]) for lane, target in targets.items()],
    )
    db.execute("UPDATE groups SET generation = generation + 1 WHERE name = ?", (group,))
    _tell(db, group)


def _tell(db: sqlite3.Connection, group: str) -> None:
    """Let every member notice a change."""
    db.execute("UPDATE groups SET version = version + 1 WHERE name = ?", (group,))


def _membership(db: sqlite3.Connection, member: Member) -> Membership:
    (version,) = db.execute("SELECT version FROM groups WHERE name = ?", (member.group,)).fetchone()
    rows = db.execute(
        "SELECT topic, partition, target, generation, member, assignment FROM owners JOIN lanes ON id = lane"
        ' WHERE "group" = ? AND member = ?',
        (member.group, member.id),
    ).fetchall()
    owned = {Lane(row[0], row[1]): Epoch(*row[3:]) for row in rows}
    return Membership(version, owned, frozenset(Lane(row[0], row[1]) for row in rows if row[2] != member.id))
