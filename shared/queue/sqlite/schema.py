"""The queue file's tables: those of version 1, and what later versions changed."""

SCHEMA = """
CREATE TABLE topics (
    name              TEXT PRIMARY KEY,
    partitions        INTEGER NOT NULL,
    retention_ms      INTEGER NOT NULL,
    max_message_bytes INTEGER NOT NULL,
    compacted         INTEGER NOT NULL
) WITHOUT ROWID;

-- One row a partition. begin: the first offset that retention has left; bytes: packed size of its segments.
CREATE TABLE lanes (
    id        INTEGER PRIMARY KEY,
    topic     TEXT NOT NULL,
    partition INTEGER NOT NULL,
    begin     INTEGER NOT NULL DEFAULT 0,
    end       INTEGER NOT NULL DEFAULT 0,
    last_ms   INTEGER NOT NULL DEFAULT 0,
    bytes     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, partition)
);

-- Ordinary topics: what one group commit appended to a lane, as one packed piece. Messages first <= offset < end.
CREATE TABLE segments (
    lane         INTEGER NOT NULL,
    end          INTEGER NOT NULL,
    first        INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    data         BLOB NOT NULL
);
CREATE UNIQUE INDEX segments_by_offset ON segments (lane, end);

-- Compacted topics: the newest message of each key.
CREATE TABLE keyed (
    lane         INTEGER NOT NULL,
    key          BLOB NOT NULL,
    offset       INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    data         BLOB NOT NULL,
    PRIMARY KEY (lane, key)
);
CREATE UNIQUE INDEX keyed_by_offset ON keyed (lane, offset);

-- What the groups have committed.
CREATE TABLE positions (
    "group"  TEXT NOT NULL,
    lane     INTEGER NOT NULL,
    offset   INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    PRIMARY KEY ("group", lane)
) WITHOUT ROWID;

-- generation: counts the plans of ownership; version: counts all changes that members must notice.
CREATE TABLE groups (
    name       TEXT PRIMARY KEY,
    generation INTEGER NOT NULL DEFAULT 0,
    version    INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- A member is alive until deadline_ms, of the machine's monotonic clock, which all its processes share.
CREATE TABLE members (
    id          TEXT PRIMARY KEY,
    "group"     TEXT NOT NULL,
    topics      TEXT NOT NULL,
    session_ms  INTEGER NOT NULL,
    deadline_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- target: the planned owner of the lane; member: its owner now, under the epoch (generation, member, assignment).
CREATE TABLE owners (
    "group"    TEXT NOT NULL,
    lane       INTEGER NOT NULL,
    target     TEXT,
    member     TEXT,
    generation INTEGER NOT NULL DEFAULT 0,
    assignment INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY ("group", lane)
) WITHOUT ROWID;

-- What a ping writes, to learn whether the file can be written.
CREATE TABLE pings (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL);
"""

CHANGES = {
    # Tells this file from every other one (identity.py): one row from the first opening on.
    2: "CREATE TABLE file (id TEXT NOT NULL, inode TEXT NOT NULL)",
}
"""Version -> the statement that leads to it from the one before. A released one is never edited: add the next number.
Each only adds: a process of the version before, which has the file open, works on."""

VERSION = max(CHANGES)  # in the file's `user_version`
