"""Where a consumer reads: one cursor a lane. Pure bookkeeping."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.queue.base import Lane, Message


@dataclass
class _Cursor:
    """`ahead`: what was read but not handed out yet; `offset`: what is read next, after it."""

    offset: int
    ahead: list[Message] = field(default_factory=list)


class Cursors:
    """All cursors. `moves` counts the calls after which there may be something to receive."""

    def __init__(self) -> None:
        self.moves = 0
        self._cursors: dict[Lane, _Cursor] = {}
        self._paused: set[Lane] = set()
        self._turn = 0

    def seek(self, lane: Lane, offset: int) -> None:
        """Go on at `offset`, forgetting what was read ahead."""
        self._cursors[lane] = _Cursor(offset)
        self.moves += 1

    def drop(self, lanes: Iterable[Lane]) -> None:
        for lane in lanes:
            self._cursors.pop(lane, None)
            self._paused.discard(lane)

    def pause(self, lanes: Iterable[Lane]) -> None:
        self._paused.update(lanes)

    def resume(self, lanes: Iterable[Lane]) -> None:
        self._paused.difference_update(lanes)
        self.moves += 1

    def to_read(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        """The offsets to read at. Empty while one of these lanes still has messages read ahead: they come first."""
        cursors = self._active(lanes)
        if any(cursor.ahead for cursor in cursors.values()):
            return {}
        return {lane: cursor.offset for lane, cursor in cursors.items()}

    def fill(self, asked: Mapping[Lane, int], found: Mapping[Lane, list[Message]]) -> None:
        """Keep what was read at the offsets asked, unless the lane has been dropped or sought since."""
        for lane, messages in found.items():
            cursor = self._cursors.get(lane)
            if cursor and cursor.offset == asked[lane] and not cursor.ahead:
                cursor.ahead = messages
                cursor.offset = messages[-1].offset + 1

    def take(self, lanes: Iterable[Lane], max_messages: int) -> dict[Lane, list[Message]]:
        """Hand out what was read ahead, beginning with another lane each time."""
        taken = {}
        for lane, cursor in self._active(lanes).items():
            if cursor.ahead and max_messages > 0:
                taken[lane], cursor.ahead = cursor.ahead[:max_messages], cursor.ahead[max_messages:]
                max_messages -= len(taken[lane])
        self._turn += bool(taken)
        return taken

    def _active(self, lanes: Iterable[Lane]) -> dict[Lane, _Cursor]:
        active = [lane for lane in lanes if lane in self._cursors and lane not in self._paused]
        turn = self._turn % len(active) if active else 0
        return {lane: self._cursors[lane] for lane in active[turn:] + active[:turn]}
