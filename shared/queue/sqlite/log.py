"""The messages of the lanes: appending, reading, finding. Every function works inside a transaction given.

An ordinary lane stores segments: what one group commit brought to it, as one packed row. A compacted lane stores one
row a key.
"""

import sqlite3
from collections.abc import Iterator, Sequence

from shared.queue.base import Lane, Message, QueueUnavailable
from shared.queue.sqlite.catalog import LaneState
from shared.queue.sqlite.checksum import Corrupt, sealed
from shared.queue.sqlite.packing import Segment, damaged, decompress, unpack


def append(db: sqlite3.Connection, lane: Lane, segments: Sequence[Segment], now_ms: int) -> int:
    """Append to an ordinary lane; the offset of the first message. Raises `QueueUnavailable`: there is no such lane."""
    count, size = sum(s.messages for s in segments), sum(s.size for s in segments)
    id_, first, timestamp_ms = _advance(db, lane, count, size, now_ms)
    end = first
    for segment in segments:
        begin, end = end, end + segment.messages
        row = (id_, end, begin, timestamp_ms, segment.at(begin, timestamp_ms))
        db.execute("INSERT INTO segments VALUES (?, ?, ?, ?, ?)", row)
    return first


def upsert(db: sqlite3.Connection, lane: Lane, messages: Sequence[tuple[bytes, bytes]], now_ms: int) -> int:
    """Append (key, compressed value) to a compacted lane, the older message of each key becomes a hole.

    Returns the offset of the first one. Raises `QueueUnavailable` if there is no such lane.
    """
    id_, first, timestamp_ms = _advance(db, lane, len(messages), 0, now_ms)
    db.executemany(
        "INSERT OR REPLACE INTO keyed VALUES (?, ?, ?, ?, ?)",
        [
            (id_, key, offset, timestamp_ms, sealed(data, key, offset, timestamp_ms))
            for offset, (key, data) in enumerate(messages, first)
        ],
    )
    return first


def read(
    db: sqlite3.Connection, state: LaneState, first: int, end: int, *, max_messages: int, max_bytes: int
) -> list[Message]:
    """Messages with `first <= offset < end`: whole segments until a limit is reached. Empty only if there are none."""
    found: list[Message] = []
    size = 0
    for messages, unpacked in (_rows if state.compacted else _segments)(db, state.id, first, end):
        found += messages
        size += unpacked
        if len(found) >= max_messages or size >= max_bytes:
            break
    return found


def begin_offset(db: sqlite3.Connection, state: LaneState) -> int:
    """The offset of the first message there is; the end offset where there is none."""
    if not state.compacted:
        return state.begin
    (first,) = db.execute("SELECT min(offset) FROM keyed WHERE lane = ?", (state.id,)).fetchone()
    return state.end if first is None else int(first)


def offset_at(db: sqlite3.Connection, state: LaneState, timestamp_ms: int) -> int:
    """The first offset appended at or after this time; the end offset where there is none."""
    if state.compacted:
        query = "SELECT min(offset) FROM keyed WHERE lane = ? AND timestamp_ms >= ?"
        (offset,) = db.execute(query, (state.id, timestamp_ms)).fetchone()
        return state.end if offset is None else int(offset)
    # Time rises with the offsets (see _advance): a search by halves needs no index of its own.
    query = "SELECT first, end, timestamp_ms FROM segments WHERE lane = ? AND end > ? ORDER BY end LIMIT 1"
    low, high = state.begin, state.end
    while low < high:
        first, end, appended_ms = db.execute(query, (state.id, (low + high) // 2)).fetchone()
        if appended_ms >= timestamp_ms:
            high = first
        else:
            low = end
    return low


def _advance(db: sqlite3.Connection, lane: Lane, count: int, size: int, now_ms: int) -> tuple[int, int, int]:
    """Take the next `count` offsets of a lane: its id, the first offset, the time of appending.

    That time never decreases within a lane, even if the clock does: offsets are searched by it.
    """
    rows = db.execute(
        "UPDATE lanes SET end = end + ?, bytes = bytes + ?, last_ms = max(last_ms, ?) WHERE topic = ? AND partition = ?"
        " RETURNING id, end, last_ms",
        (count, size, now_ms, *lane),
    ).fetchall()
    if not rows:
        raise QueueUnavailable(f"the queue file has no {lane}: run `sluice migrate`")
    id_, end, timestamp_ms = rows[0]
    return id_, end - count, timestamp_ms


def _segments(db: sqlite3.Connection, lane_id: int, first: int, end: int) -> Iterator[tuple[list[Message], int]]:
    rows = db.execute(
        "SELECT first, end, timestamp_ms, data FROM segments WHERE lane = ? AND end > ? ORDER BY end", (lane_id, first)
    )
    reached = first
    for begin, after, timestamp_ms, data in rows:
        if reached >= end:
            return
        messages, size = unpack(data, begin, after, timestamp_ms)
        if not (first <= begin and after <= end):
            messages = [message for message in messages if first <= message.offset < end]
        yield messages, size
        reached = after


def _rows(db: sqlite3.Connection, lane_id: int, first: int, end: int) -> Iterator[tuple[list[Message], int]]:
    rows = db.execute(
        "SELECT offset, timestamp_ms, key, data FROM keyed WHERE lane = ? AND offset >= ? AND offset < ?"
        " ORDER BY offset",
        (lane_id, first, end),
    )
    for offset, timestamp_ms, key, data in rows:
        try:
            value = decompress(data, key, offset, timestamp_ms)
        except Corrupt as error:
            yield [damaged(offset, timestamp_ms, key, data, f"the message {offset}", error)], len(data)
        else:
            yield [Message(offset, timestamp_ms, key, value)], len(value)
