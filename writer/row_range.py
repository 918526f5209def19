"""Where rows of a lane lie in ClickHouse: the one spelling of it in SQL."""

from typing import Any, NamedTuple

from shared.queue.base import Lane

THIS_LANE = "_topic = %(topic)s AND _partition = %(partition)s"
THIS_RANGE = (
    f"{THIS_LANE} AND _offset BETWEEN %(first)s AND %(last)s"
    " AND received_at BETWEEN fromUnixTimestamp64Micro(%(from)s) AND fromUnixTimestamp64Micro(%(to)s)"
)
"""Both ranges are given, so that the table's partitions and its index of offsets serve (storage.md, "Indexes")."""

KEY = "_offset, _index, toUnixTimestamp64Micro(received_at)"
"""A row's identity within its lane."""

ONE_REPLICA = {"load_balancing": "in_order", "prefer_localhost_replica": 0}
"""Rows are looked for on the replica where they were inserted: another one may not have them yet. A server that holds
a replica itself would ask that one first."""

LOOK_SETTINGS = {
    **ONE_REPLICA,
    **dict.fromkeys(("read_overflow_mode", "result_overflow_mode", "timeout_overflow_mode"), "throw"),
    "skip_unavailable_shards": 0,
    "optimize_skip_unused_shards": 0,
}
"""An answer cut short by a profile's limits would make present rows look missing, and so would one of the shards that a
sharding key names today: a row lies where the key of its time put it."""


class RowRange(NamedTuple):
    """Rows of one lane, by offset and by `received_at` (microseconds), both ends of both included."""

    lane: Lane
    first: int
    last: int
    received_from: int
    received_to: int

    @property
    def parameters(self) -> dict[str, Any]:
        """The values that `THIS_RANGE` names."""
        place = {"first": self.first, "last": self.last, "from": self.received_from, "to": self.received_to}
        return {**self.lane._asdict(), **place}
