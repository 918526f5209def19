"""Follows the logs of a project. The API's tail, pages and commands use the same (reading.md, "Tail")."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import monotonic

from gateway.query.as_of import MAX_LANES, AsOf
from gateway.query.complete import Complete
from gateway.query.deps import AskComplete
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.tail.poll import LeftOut, TailLog, poll
from gateway.query.logs.tail.stretch import Position, Stretch
from gateway.query.reader import Reader, TooBig
from gateway.query.tails import Tails
from gateway.rejections import Unavailable
from shared.queue.base import Lane
from shared.signals.logs import LOGS

LOOK_S = 0.25
"""Between two looks whether the queue was observed again, which it is once a second."""

LATE_US = 10 * 1_000_000
"""A log is late if its timestamp is so much older than the newest one that was shown before."""

_TOO_MANY_LANES = f"the queue has more than {MAX_LANES} partitions of these rows: a tail can't name its place in them"
_UNREADABLE = "what is stored can't be read now: the tail goes on from here as soon as it can"


@dataclass(frozen=True)
class News:
    """What one poll brought. `state`: all before it was shown or told; None while it is not known yet.
    `complete_up_to`: microseconds; None for unknown, then `reason` is a sentence."""

    state: AsOf | None
    complete_up_to: int | None
    reason: str = ""
    logs: tuple[TailLog, ...] = ()
    left_out: LeftOut | None = None
    recreated: tuple[Lane, ...] = ()


class Tail:
    """The logs of a project that a query finds, from a state on; without one from now on.

    1. Every log whose offset the writers commit after the state is in exactly one `News`, as a row or counted as left
       out. Where lanes are recreated, that may fail around that moment: then `recreated` names them.
    2. A poll that fails is repeated, over what has come since, too.
    """

    def __init__(
        self,
        reader: Reader,
        complete: AskComplete,
        tails: Tails,
        project_id: str,
        query: LogQuery,
        since: AsOf | None = None,
    ) -> None:
        self._reader = reader
        self._complete = complete
        self._tails = tails
        self._project_id = project_id
        self._query = query
        self._position = None if since is None else Position(since)
        self._newest = 0
        self._seen: Complete | None = None

    async def look(self) -> News | None:
        """What has come since the last look; None if the queue was not observed again."""
        now = await self._complete(LOGS.name)
        if now is self._seen:
            return None
        self._seen = now
        if now.as_of is None:
            return self._nothing(now.reason or _TOO_MANY_LANES)
        if self._position is None:
            self._position = Position(now.as_of)
        self._newest = self._newest or self._position.state.complete
        try:
            return await self._poll(self._position, self._position.next(now))
        except (Unavailable, TooBig):
            return self._nothing(_UNREADABLE)

    async def _poll(self, position: Position, stretch: Stretch) -> News:
        await self._tails.turns.take(self._project_id)
        try:
            logs, left_out = await poll(self._reader, self._project_id, self._query, stretch, self._newest - LATE_US)
        finally:
            self._tails.turns.give_back(self._project_id)
        position.move(stretch)
        # A client's clock may be ahead: its logs must not make all others late.
        times = [min(log.place.timestamp, log.place.received_at) for log in logs]
        self._newest = max([self._newest, *times])
        return News(
            stretch.until, stretch.until.complete, logs=tuple(logs), left_out=left_out, recreated=stretch.recreated
        )

    def _nothing(self, reason: str) -> News:
        return News(self._position.state if self._position else None, None, reason)


async def follow(tail: Tail, tails: Tails, seconds: float) -> AsyncIterator[News]:
    """What comes within so many seconds, or until the process stops; the first news always."""
    ends_at = monotonic() + seconds
    while True:
        if news := await tail.look():
            yield news
        if tails.given_up or monotonic() >= ends_at:
            return
        await tails.pause(min(LOOK_S, ends_at - monotonic()))
