"""Dead-letter topics in memory."""

from collections.abc import AsyncIterator, Iterable

import msgspec

from shared.envelope import VERSION, Stamp, seal
from shared.letters import Letter
from shared.queue.base import Lane, Message, QueueUnavailable
from writer.dead_letters import letter

SOURCE = Lane("logs", 0)
LANE = Lane("logs.dlq", 0)


class DeadLetterQueue:
    """`chunk`: messages that are read at a time."""

    def __init__(self, chunk: int = 3) -> None:
        self.messages: dict[Lane, list[Message]] = {LANE: []}
        self.begin = 0
        self.away = False
        self.reads: list[tuple[int, int]] = []
        self.given = 0
        self._chunk = chunk

    def publish(self, each: Letter, lane: Lane = LANE) -> None:
        self.put(msgspec.json.encode(each), each.key, lane)

    def put(self, value: bytes, key: bytes = b"k", lane: Lane = LANE) -> None:
        messages = self.messages[lane]
        messages.append(Message(messages[-1].offset + 1 if messages else 0, 0, key, value))

    def compact(self) -> None:
        """Only the newest message of each key stays."""
        for lane, messages in self.messages.items():
            newest = {message.key: message for message in messages}
            self.messages[lane] = [each for each in messages if newest[each.key] is each]

    async def lanes(self, topics: Iterable[str]) -> list[Lane]:
        if self.away:
            raise QueueUnavailable("no broker answers")
        return sorted(lane for lane in self.messages if lane.topic in set(topics))

    async def begin_offsets(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return {lane: self.messages[lane][0].offset if self.messages[lane] else 0 for lane in lanes}

    async def end_offsets(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return {lane: self.messages[lane][-1].offset + 1 if self.messages[lane] else 0 for lane in lanes}

    async def read(self, lane: Lane, first: int, end: int, *, undecided: bool = False) -> AsyncIterator[list[Message]]:
        self.reads.append((first, end))
        found = [message for message in self.messages[lane] if first <= message.offset < end]
        for start in range(0, len(found), self._chunk):
            self.given += len(found[start : start + self._chunk])
            yield found[start : start + self._chunk]


def message_of(project_id: str) -> bytes:
    stamp = Stamp(v=VERSION, format="deeptracer.logs", project_id=project_id, received_at=1, retention_days=30, n=1)
    return seal(stamp, b'[{"level":"info","message":"m"}]')


def letter_of(project_id: str, offset: int, reason: str = "unconvertible") -> Letter:
    """An open letter of the message that stood at this offset."""
    return letter(SOURCE, Message(offset, 1, None, message_of(project_id)), 0, reason, "odd")  # type: ignore[arg-type]
