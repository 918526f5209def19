"""One lane's dead letters and gap markers on their way to the dead-letter topic
(delivery.md, "When a row can't be stored")."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from shared.letters import Kept, Letter
from shared.queue.base import Lane
from writer.dead_letters import Tally, gap
from writer.lane_deps import LaneDeps
from writer.ops.letters import current_letters
from writer.position import Gap
from writer.waiting import Waiting


class LaneLetters:
    """Publishes what a lane gives up, and counts it in the metrics and the log.

    1. Returns only when the queue has acknowledged it: the position may then move past it.
    2. Letters above the limit are not published: the lane waits for a person.
    3. A letter that is there already stays as it is: when offsets went back it may have been closed since.
    """

    def __init__(self, lane: Lane, topic: str, waiting: Waiting, deps: LaneDeps, log: Any) -> None:
        """`topic`: the dead-letter topic."""
        self._lane = lane
        self._topic = topic
        self._waiting = waiting
        self._deps = deps
        self._log = log
        self._tally = Tally(deps.letter_limit)
        self._there: set[str] | None = None
        """Keys of the lane's letters, from its first one on, that existed when that was made."""

    async def bury(self, letters: Sequence[Letter], good_rows: int) -> None:
        """Publish the letters of a batch that has `good_rows` beside them."""
        if too_many := self._tally.exceeded(len(letters), good_rows):
            advice = "fix the cause, or raise that setting, and restart the writer"
            await self._waiting.for_ever("dead letters", "limit", f"{too_many}: {advice}. {letters[0].detail}")
        if not letters or not (new := await self._new(letters)):
            return
        await self._publish("dead letters", new)
        for letter in new:
            self._deps.metrics.dead_letters.labels(self._lane.topic, letter.reason).inc()
        first = new[0]
        self._log.error("dead letters", count=len(new), offset=first.offset, index=first.index, reason=first.detail)
        self._deps.failpoints.reach("after_letters")

    async def _new(self, letters: Sequence[Letter]) -> list[Letter]:
        """Those that are not in the topic. It is read once, and later ones of this lane can only be ours."""
        if self._there is None:
            ahead = partial(_is_ahead, self._lane, letters[0].offset)
            found = await self._waiting.until_done(
                "dead letters", lambda: current_letters(self._deps.queue, self._topic, ahead)
            )
            self._there = {kept.key for kept in found}
        return [letter for letter in letters if letter.key.decode() not in self._there]

    async def mark_gaps(self, gaps: Sequence[Gap]) -> None:
        """Publish a marker of each gap: after the position has moved past it, nothing else would tell of it."""
        markers = [gap(self._lane, first, end) for first, end in gaps]
        await self._publish("gaps", markers)
        for marker in markers:
            self._deps.metrics.gaps.labels(self._lane.topic).inc(marker.end - marker.offset)
            self._log.error(marker.detail, first=marker.offset, end=marker.end)

    async def _publish(self, what: str, letters: Sequence[Letter]) -> None:
        now_ms = self._deps.clock() // 1_000_000
        await self._waiting.until_done(what, lambda: self._deps.letters.publish(self._topic, letters, now_ms))


def _is_ahead(lane: Lane, first: int, kept: Kept) -> bool:
    """Whether a letter, which may be of a newer version, is of a message of the lane at or after this offset."""
    source, _, rest = kept.key.partition(f"{lane.topic}:{lane.partition}:")
    offset = rest.partition(":")[0]
    return not source and offset.isdecimal() and int(offset) >= first
