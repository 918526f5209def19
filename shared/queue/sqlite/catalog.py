"""The topics of the queue file and their lanes. Every function works inside a transaction given."""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from shared.queue.base import Lane, QueueUnavailable, TopicSpec


class LaneState(NamedTuple):
    """A lane: its first offset after retention, its next offset, and the packed bytes between.

    A compacted lane has 0 for `begin` and `bytes`: it is not kept within limits.
    """

    id: int
    begin: int
    end: int
    bytes: int
    compacted: bool  # 0 or 1


def create_topics(db: sqlite3.Connection, specs: Iterable[TopicSpec]) -> list[str]:
    """Make the topics that are missing and return their names."""
    made = []
    for spec in specs:
        row = (spec.name, spec.partitions, spec.retention_ms, spec.max_message_bytes, spec.compacted)
        if db.execute("INSERT OR IGNORE INTO topics VALUES (?, ?, ?, ?, ?)", row).rowcount:
            lanes = [(spec.name, partition) for partition in range(spec.partitions)]
            db.executemany("INSERT INTO lanes (topic, partition) VALUES (?, ?)", lanes)
            made.append(spec.name)
    return made


def topics(db: sqlite3.Connection) -> dict[str, TopicSpec]:
    rows = db.execute("SELECT name, partitions, retention_ms, max_message_bytes, compacted FROM topics")
    return {
        name: TopicSpec(name, partitions, retention_ms, max_message_bytes, bool(compacted))
        for name, partitions, retention_ms, max_message_bytes, compacted in rows
    }


def all_lanes(db: sqlite3.Connection) -> dict[Lane, LaneState]:
    """Sorted by topic and partition."""
    rows = db.execute(
        "SELECT topic, partition, id, begin, end, bytes, compacted FROM lanes JOIN topics ON name = topic ORDER BY 1, 2"
    )
    return {Lane(topic, partition): LaneState(*state) for topic, partition, *state in rows}


def lanes(db: sqlite3.Connection, wanted: Iterable[Lane]) -> dict[Lane, LaneState]:
    """The lanes asked for.

    Raises:
        QueueUnavailable: one of them doesn't exist.
    """
    known = all_lanes(db)
    try:
        return {lane: known[lane] for lane in wanted}
    except KeyError as error:
        raise QueueUnavailable(f"the queue file has no {error.args[0]}: run `sluice migrate`") from None
