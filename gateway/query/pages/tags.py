"""Words that a group of errors stands out by: new, regressed, rising (pages.md, "Errors")."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.query.range import Range

NEW_US = 24 * 3_600_000_000
"""How long before the end of the range a group may have begun to be new."""

RISING_LEAST = 10
"""Errors in the last quarter of the range, without which nothing rises."""

_REOPENED = {"regressed": "regressed", "limit": "over its limit", "time": "unmuted"}


class Tag(NamedTuple):
    """`css`: new, bad, amb; '' for none."""

    text: str
    css: str


def tags(state: tuple[str, str | None], trend: Sequence[int], first_seen: int | None, range: Range) -> list[Tag]:
    """`state`: the status, and why the group is open again. `first_seen`: of all errors that are kept, microseconds;
    None where that isn't known."""
    found = _of_state(*state)
    if not found and first_seen is not None and is_new(first_seen, range):
        found.append(Tag("new", "new"))
    elif is_rising(trend):
        found.append(Tag("rising", "amb"))
    return found


def is_new(first_seen: int, range: Range) -> bool:
    return first_seen >= max(range.start, range.end - NEW_US)


def is_rising(trend: Sequence[int]) -> bool:
    """Whether the last quarter of the range has more than twice as many errors, for its length, as the part before."""
    quarter = len(trend) // 4
    late, early = sum(trend[-quarter:]), sum(trend[:-quarter])
    return late >= RISING_LEAST and 3 * late > 2 * early


def _of_state(status: str, reopened: str | None) -> list[Tag]:
    if status != "open":
        return [Tag(status, "")]
    return [Tag(_REOPENED.get(reopened, reopened), "bad" if reopened == "regressed" else "")] if reopened else []
