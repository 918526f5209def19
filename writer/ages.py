"""How old messages are when their rows are stored, counted by project and hour (storage.md, "Freshness")."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.ages import bucket_of
from shared.hourly_counts import HourlyCounts
from writer.entry import Entry

MOST_LOOKED_AT = 256
"""Messages of one batch: a look at each would cost the writer 3 % where each holds one log."""


class Arrivals(NamedTuple):
    """Messages of a batch: (project, received_at) of some, each of which stands for `each` of them."""

    of: Sequence[tuple[str, int]] = ()
    each: int = 1


NONE = Arrivals()


def arrivals_of(entries: Sequence[Entry]) -> Arrivals:
    """Of all messages, or of every n-th."""
    each = -(-len(entries) // MOST_LOOKED_AT)
    looked_at = entries[entries[0].message.offset % each :: each]  # not always the same ones of a pattern that repeats
    return Arrivals([(entry.stamp.project_id, entry.stamp.received_at) for entry in looked_at if entry.stamp], each)


def count_ages(counts: HourlyCounts, signal: str, arrivals: Arrivals, now_us: int) -> None:
    """Count them in the hours of their arrival. `now_us`: when their rows were stored."""
    for project_id, received_at in arrivals.of:
        counts.add(project_id, signal, "age", arrivals.each, received_at, bucket_of(now_us - received_at))
