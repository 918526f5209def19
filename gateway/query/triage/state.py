"""What people have said of a group of errors, and what became of it (reading.md, "Status of a group")."""

from datetime import datetime
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

Status = Literal["open", "resolved", "muted"]
STATUSES: tuple[Status, ...] = get_args(Status)

MAX_MINUTES = 24 * 60
"""Of a limit: so many minutes of counts are looked at."""


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many events within so many minutes."""

    count: Annotated[int, Meta(ge=1, le=1_000_000)]
    minutes: Annotated[int, Meta(ge=1, le=MAX_MINUTES)]


class Reopened(msgspec.Struct, frozen=True):
    """Why a group opened again by itself. `event_id`, `release`: of the error that did it; null where it was the time,
    or a limit."""

    at: datetime
    reason: Literal["regressed", "limit", "time"]
    event_id: str | None = None
    release: str | None = None


class State(msgspec.Struct, frozen=True):
    """`since`: when the status was set. `in_release`: what it is resolved in. `until`: what ends muting; null: nobody
    but people. `reopened`: why it is open again."""

    status: Status = "open"
    since: datetime | None = None
    in_release: str | None = None
    until: Limit | datetime | None = None
    assignee: str | None = None
    reopened: Reopened | None = None

    def again(self, why: Reopened) -> "State":
        """The state of a group that opens by itself."""
        return State(since=why.at, assignee=self.assignee, reopened=why)


OPEN = State()


class Change(msgspec.Struct, frozen=True):
    """A change as history keeps it. `state`: after it."""

    at: datetime
    by: str
    state: State
    note: str | None = None
