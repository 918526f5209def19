"""Dead letters: each holds a message, its coordinates and the reason (delivery.md, "When a row can't be stored")."""

import base64
import zlib
from typing import Annotated, Literal

import msgspec

from shared.queue.base import Lane, Message

Reason = Literal["undecodable", "unconvertible", "refused", "gap"]
"""The message is no envelope, or its records don't match its stamp; the record can't be converted to a row; ClickHouse
refuses the row; retention took the messages before a writer read them (nothing of them is left)."""

State = Literal["", "redriven", "purged"]
"""Open; stored in the table later; its bytes were deleted by an operator."""

VERSION = 1

Moment = Annotated[int, msgspec.Meta(ge=-1, le=253_402_300_799_999)]
"""Unix milliseconds of the years that people know; -1 is Kafka's for no time."""


class Letter(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One dead letter, as JSON. It depends only on the message: a message read again makes the same letter."""

    v: int
    reason: Reason
    detail: str
    topic: str
    partition: int
    offset: int
    index: int | None = None
    """The record's place in the message; None for the whole message."""
    timestamp_ms: Moment
    """When the queue took the message, Unix milliseconds."""
    first_seen_ms: Moment = 0
    """When a writer first gave up on it, Unix milliseconds."""
    attempts: int = 1
    state: State = ""
    changed_ms: Moment = 0
    """When it entered that state, Unix milliseconds; 0 while it is open."""
    end: int = 0
    """Of a gap: the offset after it. Gaps of one lane may overlap: a gap that has grown is marked again."""
    encoding: Literal["base64", "zlib+base64"] = "base64"
    raw: str = ""
    """The message; of a record, a message with this record alone. `raw_bytes` decodes it. Empty for gaps and closed
    letters."""

    @property
    def key(self) -> bytes:
        """Its source coordinates. The time tells apart two topics of the same name, each with offsets from 0."""
        if self.reason == "gap":
            return f"gap:{self.topic}:{self.partition}:{self.offset}-{self.end}".encode()
        index = "" if self.index is None else self.index
        return f"{self.topic}:{self.partition}:{self.offset}:{index}:{self.timestamp_ms}".encode()


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A letter and its place in the dead-letter topic. `letter` is None where this program can't read it: then
    `problem` says why, and the letter is never touched."""

    key: str
    lane: Lane
    """Of the dead-letter topic; the source lane is in the letter."""
    offset: int
    """In the dead-letter topic."""
    bytes: int
    """Of the whole letter, its message included."""
    letter: Letter | None = None
    problem: str = ""

    @property
    def state(self) -> str:
        """open, redriven, purged, gap or unknown."""
        if self.letter is None:
            return "unknown"
        return "gap" if self.letter.reason == "gap" else self.letter.state or "open"

    @property
    def at_ms(self) -> int:
        """When the queue took the message, Unix milliseconds; of a gap: when it was noticed."""
        return 0 if self.letter is None else self.letter.timestamp_ms or self.letter.first_seen_ms


def raw_bytes(kept: Letter) -> bytes:
    """The message that a letter keeps. Raises ValueError where it can't be decoded."""
    data = base64.b64decode(kept.raw)
    try:
        return zlib.decompress(data) if kept.encoding == "zlib+base64" else data
    except zlib.error as error:
        raise ValueError(str(error)) from error


_decode = msgspec.json.Decoder(Letter).decode


class _Versioned(msgspec.Struct):
    v: int


_decode_version = msgspec.json.Decoder(_Versioned).decode


def read_letter(lane: Lane, message: Message) -> Kept:
    """The letter that a message of a dead-letter topic holds."""
    letter, problem = None, message.damage
    if not problem:
        try:
            version = _decode_version(message.value).v
            if version == VERSION:
                letter = _decode(message.value)
            else:
                problem = f"letter version {version}, this program knows {VERSION}: upgrade it"
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            problem = f"no letter: {error}"
    return Kept(
        key=key_of(message),
        lane=lane,
        offset=message.offset,
        bytes=len(message.value),
        letter=letter,
        problem=problem,
    )


def key_of(message: Message) -> str:
    """The key of a letter, as text."""
    return (message.key or b"").decode(errors="replace")
