"""What people have said of a group, as sentences (pages.md, "One error")."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gateway.query.pages.times import minute
from shared.error_states import OPEN, State, StateChange
from shared.formats.values import microseconds

_WHY = {
    "regressed": "Open again: regressed",
    "limit": "Open again: over the limit",
    "time": "Open again: its time is over",
}


class Said(NamedTuple):
    """`at`: microseconds."""

    at: int
    text: str
    by: str
    note: str


def history_lines(changes: Sequence[StateChange]) -> list[Said]:
    """`changes`: the newest first. What each of them changed is known by the one before."""
    before = [*(change.state for change in changes), OPEN][1:]
    return [
        Said(microseconds(change.at), "; ".join(_changed(change.state, earlier)), change.by, change.note or "")
        for change, earlier in zip(changes, before, strict=True)
    ]


def state_text(state: State) -> str:
    """`Resolved in web@4`, `Muted until 24 Nov 2026 14:34 UTC`."""
    if state.status == "resolved":
        return f"Resolved in {state.in_release}" if state.in_release else "Resolved"
    if state.status == "muted":
        return f"Muted {_until(state)}".strip()
    if state.reopened is None:
        return "Open"
    text = _WHY[state.reopened.reason]
    return f"{text} in {state.reopened.release}" if state.reopened.release else text


def _until(state: State) -> str:
    if state.until is not None:
        return f"until {state.until.count:,} come within {state.until.minutes:,} min"
    return f"until {minute(microseconds(state.until_time))}" if state.until_time is not None else ""


def _changed(state: State, before: State) -> Iterator[str]:
    """A status that is set anew has a time of its own."""
    if (state.status, state.since) != (before.status, before.since):
        yield state_text(state)
    if state.assignee != before.assignee:
        yield f"Assigned to {state.assignee}" if state.assignee else "Assigned to nobody"
    if state == before:
        yield "Note"
