"""How far a tail has come in each lane, and what comes next (reading.md, "Why nothing is missing").

Only offsets below what the writers have committed count: their rows are stored, and no more will come. Above it there
may be rows of which earlier ones are still missing.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gateway.query.as_of import SETTLED_US, AsOf, as_of
from gateway.query.complete import Complete
from gateway.query.language import Condition, Cost
from gateway.query.times import clamp
from shared.queue.base import Lane

FAR_US = 10 * 60 * 1_000_000
FAR_MESSAGES = 100_000
"""A stretch of more time and more messages than this is not read, only told: no poll has an unknown cost."""


class Part(NamedTuple):
    """The offsets `[first, end)` of a lane, of what was received at or after `since`, microseconds."""

    lane: Lane
    first: int
    end: int
    since: int


@dataclass(frozen=True)
class Stretch:
    """What a poll reads, from one state to the next. `recreated`: lanes whose offsets have begun again."""

    begins: AsOf
    until: AsOf
    parts: tuple[Part, ...] = ()
    recreated: tuple[Lane, ...] = ()

    @property
    def is_far(self) -> bool:
        messages = sum(part.end - part.first for part in self.parts)
        return self.until.complete - self.begins.complete > FAR_US and messages > FAR_MESSAGES

    @property
    def condition(self) -> Condition:
        """That a row is in it. There must be parts."""
        values: dict[str, Any] = {"received": min(part.since for part in self.parts)}
        any_of = []
        for n, part in enumerate(self.parts):
            given = (*part.lane, part.first, part.end, part.since)
            values |= {f"lane_{n}_{i}": value for i, value in enumerate(given)}
            any_of.append(
                f"(_topic = %(lane_{n}_0)s AND _partition = %(lane_{n}_1)s"
                f" AND _offset >= %(lane_{n}_2)s AND _offset < %(lane_{n}_3)s"
                f" AND received_at >= fromUnixTimestamp64Micro(%(lane_{n}_4)s))"
            )
        received = "received_at >= fromUnixTimestamp64Micro(%(received)s)"  # it alone chooses table partitions
        return Condition(f"{received} AND ({' OR '.join(any_of)})", values, Cost.COLUMNS)


@dataclass
class Position:
    """How far a tail has come. Whatever was received before `state.complete - SETTLED_US` lies behind it, too."""

    state: AsOf
    _began: dict[Lane, int] = field(default_factory=dict)
    """Recreated lanes -> since when their rows are those of the new lane, microseconds."""
    _shorter: dict[Lane, int] = field(default_factory=dict)
    """Lanes that end before the position -> up to when all was behind the position before they were seen so."""

    def next(self, now: Complete) -> Stretch:
        """What lies between the position and what is complete now, which must be known.

        A lane was recreated if it ends before the position in two observations: the first may be older than the
        position, which another process can have given. Where only the writers' position went back, nothing is read
        twice.
        """
        seen, self._shorter = (
            self._shorter,
            {
                lane: self._shorter.get(lane, self.state.complete)
                for lane, found in now.lanes.items()
                if found.end < self.state.end(lane)
            },
        )
        recreated = {lane: since for lane, since in self._shorter.items() if lane in seen}
        unsure = [since for lane, since in self._shorter.items() if lane not in seen]
        firsts = {lane: 0 if lane in recreated else self.state.end(lane) for lane in now.lanes}
        ends = {lane: max(firsts[lane], found.goes_on_at) for lane, found in now.lanes.items()}
        assert now.up_to is not None
        until = as_of(min([now.up_to, *unsure]), ends)
        assert until is not None
        began = dict.fromkeys(ends, clamp(self.state.complete - SETTLED_US)) | self._began | recreated
        parts = [Part(lane, firsts[lane], end, began[lane]) for lane, end in ends.items() if firsts[lane] < end]
        return Stretch(self.state, until, tuple(parts), tuple(recreated))

    def move(self, stretch: Stretch) -> None:
        """To the end of a stretch that was read."""
        self._began |= {lane: self._shorter[lane] for lane in stretch.recreated}
        self.state = stretch.until
