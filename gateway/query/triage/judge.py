"""Whether a group opens again: pure decisions (reading.md, "When a group opens again").

1. An event counts by its own time: one from before the status was set never opens a group, however late it came.
2. A group that is resolved in a release opens only by events of that release, of one that was first seen after it, or
   of none. Before the release itself was seen, every other release is older.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from shared.error_states import Limit, Reopened, State

MINUTE = timedelta(minutes=1)


class Event(NamedTuple):
    """The first error of a release in a group, after its status was set."""

    at: datetime
    event_id: str
    release: str


def regression(state: State, events: Iterable[Event], first_seen: Mapping[str, datetime]) -> Reopened | None:
    """The first of the events that opens a resolved group. `first_seen`: release -> when."""
    for event in sorted(events):
        if state.since is not None and event.at > state.since and not _is_older(event.release, state, first_seen):
            return Reopened(event.at, "regressed", event.event_id, event.release or None)
    return None


def _is_older(release: str, state: State, first_seen: Mapping[str, datetime]) -> bool:
    """Whether a release is older than the one that a group is resolved in."""
    if not state.in_release or not release or release == state.in_release:
        return False
    fixed = first_seen.get(state.in_release)
    return fixed is None or (release in first_seen and first_seen[release] < fixed)


def over(limit: Limit, counts: Mapping[datetime, int]) -> datetime | None:
    """The first minute with which a limit is reached. `counts`: start of a minute -> events in it."""
    window: deque[datetime] = deque()
    total = 0
    for minute in sorted(counts):
        while window and window[0] <= minute - limit.minutes * MINUTE:
            total -= counts[window.popleft()]
        window.append(minute)
        total += counts[minute]
        if total >= limit.count:
            return minute
    return None


def ended(state: State, now: datetime) -> Reopened | None:
    """Whether the time is over for which a group is muted."""
    if state.until_time is not None and state.until_time <= now:
        return Reopened(state.until_time.astimezone(UTC), "time")
    return None
