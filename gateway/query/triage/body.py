"""A change of a group's state as a request brings it (reading.md, "Status of a group")."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.rejections import InvalidBody
from shared.error_states import Limit, State, StateChange, Status

MOST_GROUPS = 200
"""Of one request."""

_NO_NUL = r"^[^\x00]*$(?!\n)"
"""No text of Postgres holds it."""

_TEXT = r"^[^\x00-\x1f\x7f]*$(?!\n)"
_Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=_TEXT)]
_Fingerprint = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
_Fingerprints = Annotated[
    list[_Fingerprint], Meta(min_length=1, max_length=MOST_GROUPS, description="The groups to change: all or none.")
]


class StateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays. `status` begins anew: what ended the one before is gone."""

    status: Status | UnsetType = UNSET
    in_release: _Name | UnsetType | None = UNSET
    until: Limit | UnsetType | None = UNSET
    until_time: Annotated[datetime, Meta(tz=True)] | UnsetType | None = UNSET
    assignee: _Name | UnsetType | None = UNSET
    note: Annotated[str, Meta(min_length=1, max_length=2_000, pattern=_NO_NUL)] | UnsetType = UNSET

    def check(self, now: datetime) -> None:
        """Raises `InvalidBody` for fields that don't go together."""
        if issues := [_issue(name, message) for name, message in self._issues(now)]:
            raise InvalidBody({"detail": issues})

    def _issues(self, now: datetime) -> Iterator[tuple[str, str]]:
        if self.status is UNSET and self.assignee is UNSET and self.note is UNSET:
            yield "status", "give a status, an assignee or a note"
        if self.in_release and self.status != "resolved":
            yield "in_release", "a group is resolved in a release: give the status resolved"
        for name in ("until", "until_time"):
            if getattr(self, name) and self.status != "muted":
                yield name, "it ends muting: give the status muted"
        if self.until_time and self.until_time <= now:
            yield "until_time", "it must be in the future"

    def changed(self, state: State, now: datetime, by: str) -> StateChange:
        """The change that it makes of a state."""
        if self.status is not UNSET:
            until, until_time = self.until or None, self.until_time or None
            state = State(self.status, now, self.in_release or None, until, until_time, state.assignee)
        if self.assignee is not UNSET:
            state = msgspec.structs.replace(state, assignee=self.assignee)
        return StateChange(now, by, state, self.note or None)


class StatesBody(StateBody, frozen=True, kw_only=True):
    """The same for several groups."""

    fingerprints: _Fingerprints


def _issue(name: str, message: str) -> dict[str, object]:
    return {"type": "value_error", "loc": ["body", name], "msg": f"Value error, {message}", "input": None}
