"""One lane's dead letters and gap markers on their way to the dead-letter topic
(delivery.md, "When a row can't be stored")."""

from collections.abc import Sequence
from typing import Any

from shared.queue.base import Lane
from writer.dead_letters import Letter, Tally, gap
from writer.lane_deps import LaneDeps
from writer.position import Gap
from writer.waiting import Waiting


class LaneLetters:
    """Publishes what a lane gives up, and counts it in the metrics and the log.

    1. Returns only when the queue has acknowledged it: the position may then move past it.
    2. Letters above the limit are not published: the lane waits for a person.
    """

    def __init__(self, lane: Lane, topic: str, waiting: Waiting, deps: LaneDeps, log: Any) -> None:
        """`topic`: the dead-letter topic."""
        self._lane = lane
        self._topic = topic
        self._waiting = waiting
        self._deps = deps
        self._log = log
        self._tally = Tally(deps.letter_limit)

    async def bury(self, letters: Sequence[Letter], good_rows: int) -> None:
        """Publish the letters of a batch that has `good_rows` beside them."""
        if too_many := self._tally.exceeded(len(letters), good_rows):
            advice = "fix the cause, or raise that setting, and restart the writer"
            await self._waiting.for_ever("dead letters", "limit", f"{too_many}: {advice}. {letters[0].detail}")
        if not letters:
            return
        await self._publish("dead letters", letters)
        for letter in letters:
            self._deps.metrics.dead_letters.labels(self._lane.topic, letter.reason).inc()
        first = letters[0]
        self._log.error("dead letters", count=len(letters), offset=first.offset, index=first.index, reason=first.detail)
        self._deps.failpoints.reach("after_letters")

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
