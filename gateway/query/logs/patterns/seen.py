"""A pattern and its logs, as they are counted; similar patterns as one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.query.logs.patterns.fold import fold
from gateway.query.reader import Rows
from gateway.query.stored import text_of
from shared.formats.levels import LEVELS


@dataclass(frozen=True)
class Seen:
    """A pattern, or several as one. Times are microseconds. `key`: of the one that was seen last. `slots`: its logs in
    each slot. `folded`: how many patterns it stands for."""

    pattern: str
    key: int
    count: int
    levels: list[str]
    first: int
    last: int
    slots: list[int]
    folded: int = 1


class Found(NamedTuple):
    """`seen`: the first patterns, folded. `total`: logs; `distinct`: patterns before they are folded; `beyond`: logs of
    those behind the first."""

    seen: list[Seen]
    total: int = 0
    distinct: int = 0
    beyond: int = 0


def found_of(rows: Rows) -> Found:
    """The patterns of the rows of a `Union`."""
    if not rows:
        return Found([])
    seen = [
        Seen(text_of(pattern), key, count, _in_order(levels), first, last, slots)
        for pattern, key, count, levels, first, last, slots, *_ in rows
    ]
    total, distinct = rows[0][-2:]
    folded = [_together(each.text, [seen[n] for n in each.members]) for each in fold([each.pattern for each in seen])]
    return Found(folded, total, distinct, total - sum(each.count for each in seen))


def _together(text: str, members: Sequence[Seen]) -> Seen:
    if len(members) == 1:
        return members[0]
    newest = max(members, key=lambda each: each.last)
    return Seen(
        pattern=text,
        key=newest.key,
        count=sum(each.count for each in members),
        levels=_in_order({level for each in members for level in each.levels}),
        first=min(each.first for each in members),
        last=newest.last,
        slots=list(map(sum, zip(*(each.slots for each in members), strict=True))),
        folded=len(members),
    )


def _in_order(levels: Iterable[str]) -> list[str]:
    """The least first."""
    return sorted(map(text_of, levels), key=lambda level: LEVELS.index(level) if level in LEVELS else -1)
