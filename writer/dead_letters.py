"""Making and publishing dead letters (delivery.md, "When a row can't be stored")."""

import asyncio
import base64
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from shared.letters import VERSION, Letter, Reason, State
from shared.queue.base import Lane, Message, MessageTooLarge, Producer

PLAIN_LIMIT = 600_000
"""Up to this size a message is kept uncompressed; the letter of a larger one would exceed the topic's limit."""


def letter(lane: Lane, message: Message, index: int | None, reason: Reason, detail: str) -> Letter:
    """The letter of a message, or of the one record that `message` was reduced to."""
    big = len(message.value) > PLAIN_LIMIT
    kept = zlib.compress(message.value) if big else message.value
    return Letter(
        v=VERSION,
        reason=reason,
        detail=detail[:2000],
        topic=lane.topic,
        partition=lane.partition,
        offset=message.offset,
        index=index,
        timestamp_ms=message.timestamp_ms,
        encoding="zlib+base64" if big else "base64",
        raw=base64.b64encode(kept).decode(),
    )


def gap(lane: Lane, first: int, end: int) -> Letter:
    """The durable marker of messages `first <= offset < end` that were gone before a writer could read them."""
    detail = f"retention took the messages {first:,} to {end - 1:,} before a writer read them"
    return Letter(
        v=VERSION,
        reason="gap",
        detail=detail,
        topic=lane.topic,
        partition=lane.partition,
        offset=first,
        end=end,
        timestamp_ms=0,
    )


def closed(kept: Letter, state: State, now_ms: int) -> Letter:
    """The small marker that replaces a letter under its key: everything but its bytes."""
    return msgspec.structs.replace(
        kept, state=state, changed_ms=now_ms, detail=kept.detail[:300], encoding="base64", raw=""
    )


@dataclass(frozen=True)
class LetterLimit:
    """Above this the records are not to blame, but this program or a neighbour: stop, and let a person look.

    `share`: of a batch, and of the lane's recent rows, judged from `share_from` rows on; `run`: consecutive letters
    without a good row between them.
    """

    share: float = 0.2
    share_from: int = 100
    run: int = 100


class Tally:
    """Judges one lane's letters before they are published."""

    LATELY = 10
    """How many of the lane's last rows count, as a multiple of `share_from`."""

    def __init__(self, limit: LetterLimit) -> None:
        self._limit = limit
        self._over_share = f"can't be stored, over SLUICE_WRITER_LETTER_SHARE={limit.share:g}"
        self._letters = 0.0
        self._rows = 0.0
        self._run = 0

    def exceeded(self, letters: int, good: int) -> str:
        """Why a batch with these letters and good rows must stop; '' if it may go on, and then it is counted."""
        rows, run = letters + good, letters + (0 if good else self._run)
        if letters:
            if not good and run > self._limit.run:
                return f"{run} records in a row can't be stored, over SLUICE_WRITER_LETTER_RUN={self._limit.run}"
            if self._too_large(letters, rows):
                return f"{letters} of {rows} records of one batch {self._over_share}"
            if self._too_large(self._letters + letters, self._rows + rows):
                return f"{self._letters + letters:.0f} of the last {self._rows + rows:.0f} records {self._over_share}"
        self._run = 0 if good else run
        self._letters, self._rows = self._letters + letters, self._rows + rows
        if (excess := self._rows / (self._limit.share_from * self.LATELY)) > 1:
            self._letters, self._rows = self._letters / excess, self._rows / excess
        return ""

    def _too_large(self, letters: float, rows: float) -> bool:
        return rows >= self._limit.share_from and letters > rows * self._limit.share


class DeadLetters:
    """Publishes letters to `<topic>.dlq`, each keyed by its source coordinates: read twice, it is kept once."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    AT_ONCE = 16
    """Letters in flight: together they stay below a producer's limit."""

    async def publish(self, topic: str, letters: Iterable[Letter], now_ms: int) -> None:
        """Return when all are acknowledged. Raises `QueueUnavailable`: call again with the same letters."""
        todo = [msgspec.structs.replace(kept, first_seen_ms=kept.first_seen_ms or now_ms) for kept in letters]
        for start in range(0, len(todo), self.AT_ONCE):
            some = todo[start : start + self.AT_ONCE]
            results = await asyncio.gather(*(self._publish(topic, kept) for kept in some), return_exceptions=True)
            for result in results:
                if result is not None:
                    raise result

    async def _publish(self, topic: str, kept: Letter) -> None:
        try:
            await self._producer.publish(topic, msgspec.json.encode(kept), kept.key)
        except MessageTooLarge as error:
            raise LetterTooLarge(f"letter {kept.key.decode()} is larger than {topic} takes: {error}") from error


class LetterTooLarge(Exception):
    """The topic refuses a letter: raise its `max.message.bytes`. The lane waits until then."""
