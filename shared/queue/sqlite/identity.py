"""Which file this is: a random id in it, and a new one for every copy.

A member's epochs and cursors belong to one file. An older copy has the same members, generations and offsets, so only
an id of its own tells that it took the file's place.
"""

import sqlite3
from secrets import token_hex

_END_MEMBERSHIPS = (
    "DELETE FROM members",
    "UPDATE owners SET member = NULL, target = NULL",
    "UPDATE groups SET generation = generation + 1, version = version + 1",
)


def identified(db: sqlite3.Connection, inode: int) -> str:
    """The file's id. A file that was never opened as this inode is new or a copy: it gets another one, and whoever was
    a member of a group in the original must join again. To be called outside a transaction, under the file's lock."""
    if (known := _known(db, inode)) is not None:
        return known
    made = token_hex(8)
    with db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM file")
        db.execute("INSERT INTO file VALUES (?, ?)", (made, str(inode)))
        for statement in _END_MEMBERSHIPS:
            db.execute(statement)
    return made


def _known(db: sqlite3.Connection, inode: int) -> str | None:
    row = db.execute("SELECT id FROM file WHERE inode = ?", (str(inode),)).fetchone()
    return None if row is None else str(row[0])
