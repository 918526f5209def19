"""What may be dropped, and when. Every function works inside a transaction given.

1. Only what every group has committed past is ever dropped. A group counts for a topic once it has committed anything
   in it; a topic in which no group ever committed is kept whole.
2. Consumed messages stay for replay until they are older than their topic's retention, or until room is needed: then
   the oldest go first, over all topics.
3. Compacted topics are never dropped from, and never counted.
"""

import heapq
import sqlite3
from collections.abc import Iterator
from itertools import islice, takewhile
from typing import NamedTuple

STEP_SEGMENTS = 1_000  # dropped in one transaction by age
SPARE_SHARE = 16  # when room is made, 1/16 of the limit more is freed, so that not every commit has to
SPARE_BYTES = 33_554_432  # but at most this much: a commit waits for it


class _Segment(NamedTuple):
    """The head of a consumed segment. Sorts by age."""

    timestamp_ms: int
    lane: int
    end: int
    bytes: int
    retention_ms: int


class _Floor(NamedTuple):
    """A lane, and the offset that every group has committed at least."""

    lane: int
    retention_ms: int
    offset: int
    begin: int
    end: int
    bytes: int


def used_bytes(db: sqlite3.Connection) -> int:
    """The packed size of all ordinary topics."""
    (used,) = db.execute("SELECT coalesce(sum(bytes), 0) FROM lanes").fetchone()
    return int(used)


def waiting_bytes(db: sqlite3.Connection) -> int:
    """About the packed size of what not every group has committed past: the rest goes when room is needed.

    By the share of offsets: the exact sizes stand in the segments, of which there may be very many.
    """
    consumed = sum(
        floor.bytes * (min(floor.offset, floor.end) - floor.begin) // (floor.end - floor.begin) for floor in _floors(db)
    )
    return used_bytes(db) - consumed


def sizes(db: sqlite3.Connection) -> dict[str, int]:
    """The packed size of every topic."""
    ordinary = dict(db.execute("SELECT topic, sum(bytes) FROM lanes GROUP BY topic").fetchall())
    keyed = db.execute("SELECT topic, sum(length(data)) FROM keyed JOIN lanes ON id = lane GROUP BY topic").fetchall()
    return {**ordinary, **dict(keyed)}


def make_room(db: sqlite3.Connection, needed: int, limit: int) -> bool:
    """Drop the oldest consumed segments if `needed` more bytes don't fit. False: there is no room for them."""
    used = used_bytes(db)
    if used + needed <= limit:
        return True
    goal = used + needed - limit + min(limit // SPARE_SHARE, SPARE_BYTES)
    freed = 0
    chosen = []
    for segment in heapq.merge(*_consumed(db)):
        if freed >= goal:
            break
        freed += segment.bytes
        chosen.append(segment)
    _drop(db, chosen)
    return used + needed - freed <= limit


def drop_expired(db: sqlite3.Connection, now_ms: int) -> bool:
    """Drop a step of the consumed segments older than their topic's retention. True: there may be more."""
    expired: list[_Segment] = []
    for segments in _consumed(db):
        old = takewhile(lambda s: s.timestamp_ms < now_ms - s.retention_ms, segments)
        expired += islice(old, STEP_SEGMENTS - len(expired))
    _drop(db, expired)
    return len(expired) == STEP_SEGMENTS


def _consumed(db: sqlite3.Connection) -> list[Iterator[_Segment]]:
    """For each lane the segments that every group has committed past, oldest first."""
    return [_heads(db, floor.lane, floor.retention_ms, floor.offset) for floor in _floors(db)]


def _floors(db: sqlite3.Connection) -> list[_Floor]:
    """The lanes of which every group has committed past something that is still there."""
    rows = db.execute(
        'WITH known AS (SELECT DISTINCT "group", topic FROM positions JOIN lanes ON id = lane)'
        " SELECT lanes.id, retention_ms, min(coalesce(offset, 0)) AS floor, begin, end, bytes"
        " FROM lanes JOIN topics ON name = lanes.topic JOIN known ON known.topic = lanes.topic"
        ' LEFT JOIN positions ON positions.lane = lanes.id AND positions."group" = known."group"'
        " WHERE NOT compacted GROUP BY lanes.id HAVING floor > begin AND end > begin"
    )
    return [_Floor(*row) for row in rows]


def _heads(db: sqlite3.Connection, lane: int, retention_ms: int, floor: int) -> Iterator[_Segment]:
    rows = db.execute(
        "SELECT timestamp_ms, lane, end, length(data) FROM segments WHERE lane = ? AND end <= ? ORDER BY end",
        (lane, floor),
    )
    for timestamp_ms, _, end, size in rows:
        yield _Segment(timestamp_ms, lane, end, size, retention_ms)


def _drop(db: sqlite3.Connection, segments: list[_Segment]) -> None:
    """Drop segments, chosen from the beginning of their lanes."""
    ends: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for segment in segments:
        ends[segment.lane] = max(ends.get(segment.lane, 0), segment.end)
        sizes[segment.lane] = sizes.get(segment.lane, 0) + segment.bytes
    for lane, end in ends.items():
        db.execute("DELETE FROM segments WHERE lane = ? AND end <= ?", (lane, end))
        db.execute("UPDATE lanes SET begin = ?, bytes = bytes - ? WHERE id = ?", (end, sizes[lane], lane))
