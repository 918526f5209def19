"""What can't be stored is kept: a dead letter says what, whence and why (02, "When a row can't be stored")."""

import base64
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import msgspec

from shared.queue.base import Lane, Message, MessageTooLarge, Producer

Reason = Literal["undecodable", "unconvertible", "refused", "gap"]
"""The message is no envelope, or holds other records than it says; the record doesn't become a row; ClickHouse refuses
the row; messages that retention took before a writer came (nothing of them is left)."""

State = Literal["", "redriven", "purged"]
"""Open; its rows are in the table since; somebody threw its bytes away."""

VERSION = 1

PLAIN_LIMIT = 600_000
"""Bytes of a message that are kept as they are; larger ones are compressed, or the letter would be over the topic's
limit."""


class Letter(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One dead letter, as JSON. What it keeps depends only on what was read: read again, it is the same letter."""

    v: int
    reason: Reason
    detail: str
    topic: str
    partition: int
    offset: int
    index: int | None = None
    """The record's place in the message; None for the whole message."""
    timestamp_ms: int
    """When the queue took the message, Unix milliseconds."""
    first_seen_ms: int = 0
    """When a writer first gave it up, Unix milliseconds."""
    attempts: int = 1
    state: State = ""
    changed_ms: int = 0
    """Since when it is in that state, Unix milliseconds; 0 while it is open."""
    end: int = 0
    """Of a gap: the offset after it. Gaps of one lane may overlap: one that was found, and found again when it had
    grown."""
    encoding: Literal["base64", "zlib+base64"] = "base64"
    raw: str = ""
    """The message; of a record, a message with this record alone. `raw_bytes` decodes it. Gaps and closed letters have
    none."""

    @property
    def key(self) -> bytes:
        """Its source coordinates. The time tells apart two topics of one name, each with offsets from 0."""
        if self.reason == "gap":
            return f"gap:{self.topic}:{self.partition}:{self.offset}-{self.end}".encode()
        index = "" if self.index is None else self.index
        return f"{self.topic}:{self.partition}:{self.offset}:{index}:{self.timestamp_ms}".encode()


def letter(lane: Lane, message: Message, index: int | None, reason: Reason, detail: str) -> Letter:
    """The letter of a message, or of the one record that `message` was cut down to."""
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
    """The durable marker of messages `first <= offset < end` that were gone when the lane's writer came to them."""
    detail = f"retention took the messages {first:,} to {end - 1:,} before a writer came"
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
    """The small marker that takes a letter's place under its key: all but its bytes."""
    return msgspec.structs.replace(kept, state=state, changed_ms=now_ms, encoding="base64", raw="")


def raw_bytes(kept: Letter) -> bytes:
    """The message that a letter keeps."""
    data = base64.b64decode(kept.raw)
    return zlib.decompress(data) if kept.encoding == "zlib+base64" else data


@dataclass(frozen=True)
class LetterLimit:
    """Beyond this it is not the records that are wrong, but us or a neighbour: stop, and let a person look.

    `share` of what a batch holds, and of what its lane held lately, counted from `share_from` rows on; `run`: letters
    without one good row between.
    """

    share: float = 0.2
    share_from: int = 100
    run: int = 100


class Tally:
    """Judges one lane's letters before they are published."""

    LATELY = 10
    """The lane's last rows that count, as a multiple of `share_from`."""

    def __init__(self, limit: LetterLimit) -> None:
        self._limit = limit
        self._letters = 0.0
        self._rows = 0.0
        self._run = 0

    def exceeded(self, letters: int, good: int) -> str:
        """Why a batch with so many letters and good rows must not go on; '' if it may, and then it is counted."""
        rows, run = letters + good, letters + (0 if good else self._run)
        if letters:
            if not good and run > self._limit.run:
                return f"{run} records in a row can't be stored"
            if self._too_large(letters, rows):
                return f"{letters} of {rows} records of one batch can't be stored"
            if self._too_large(self._letters + letters, self._rows + rows):
                return f"{self._letters + letters:.0f} of the last {self._rows + rows:.0f} records can't be stored"
        self._run = 0 if good else run
        self._letters, self._rows = self._letters + letters, self._rows + rows
        if (excess := self._rows / (self._limit.share_from * self.LATELY)) > 1:
            self._letters, self._rows = self._letters / excess, self._rows / excess
        return ""

    def _too_large(self, letters: float, rows: float) -> bool:
        return rows >= self._limit.share_from and letters > rows * self._limit.share


class DeadLetters:
    """Publishes letters to `<topic>.dlq`, each under its source coordinates: read twice, it is kept once."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def publish(self, topic: str, letters: Iterable[Letter], now_ms: int) -> None:
        """Return when all are acknowledged. Raises `QueueUnavailable`: call again with the same letters."""
        for kept in letters:
            value = msgspec.json.encode(msgspec.structs.replace(kept, first_seen_ms=kept.first_seen_ms or now_ms))
            try:
                await self._producer.publish(topic, value, kept.key)
            except MessageTooLarge as error:
                raise LetterTooLarge(f"letter {kept.key.decode()} is larger than {topic} takes: {error}") from error


class LetterTooLarge(Exception):
    """A letter that its topic doesn't take: raise the topic's `max.message.bytes`. The lane waits until then."""
