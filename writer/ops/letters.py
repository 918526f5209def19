"""The letters of a topic `<topic>.dlq` as they stand now: the newest of every key, read without any group."""

from collections.abc import AsyncIterator, Callable, Iterable

import msgspec

from shared.queue.base import Lane, Message, Queue
from writer.dead_letters import VERSION, Letter

DETAIL = 300
"""Characters of a letter's reason that are kept in memory."""

_decode = msgspec.json.Decoder(Letter).decode


class _Versioned(msgspec.Struct):
    v: int


_decode_version = msgspec.json.Decoder(_Versioned).decode


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A letter and where it lies. `letter` is None where this program can't read it; `problem` says why, and such a
    letter is never touched."""

    key: str
    lane: Lane
    """Of the dead-letter topic; the source is in the letter."""
    offset: int
    """There."""
    bytes: int
    """Of the whole letter, its kept message included."""
    letter: Letter | None = None
    problem: str = ""

    @property
    def state(self) -> str:
        """open, redriven, purged, gap or unknown."""
        if self.letter is None:
            return "unknown"
        return "gap" if self.letter.reason == "gap" else self.letter.state or "open"


async def current_letters(
    queue: Queue, dead_letter_topic: str, wanted: Callable[[Kept], bool] = lambda _: True
) -> list[Kept]:
    """The wanted letters, in the order in which they were published, without their bytes (`with_bytes` reads those).

    Takes about 1 kB of memory a wanted letter. A topic that doesn't exist has none. Raises `QueueUnavailable`.
    """
    found: list[Kept] = []
    for lane in await queue.lanes([dead_letter_topic]):
        found += await _current(queue, lane, wanted)
    return found


async def with_bytes(queue: Queue, kept: Iterable[Kept]) -> AsyncIterator[Kept]:
    """The same letters whole, one after the other. One that was changed meanwhile is left out."""
    by_lane: dict[Lane, dict[int, str]] = {}
    for one in kept:
        by_lane.setdefault(one.lane, {})[one.offset] = one.key
    for lane, wanted in by_lane.items():
        async for messages in queue.read(lane, min(wanted), max(wanted) + 1):
            for message in messages:
                if message.offset in wanted and _key(message) == wanted[message.offset]:
                    yield _read(lane, message)


async def _current(queue: Queue, lane: Lane, wanted: Callable[[Kept], bool]) -> list[Kept]:
    """To the end, and again to where the end has moved: a letter that is changed while we read lies there then."""
    newest: dict[str, Kept] = {}
    first = (await queue.begin_offsets([lane]))[lane]
    while first < (end := (await queue.end_offsets([lane]))[lane]):
        async for messages in queue.read(lane, first, end):
            for message in messages:
                one = _without_bytes(_read(lane, message))
                newest.pop(one.key, None)
                if wanted(one):
                    newest[one.key] = one
        first = end
    return list(newest.values())


def _read(lane: Lane, message: Message) -> Kept:
    letter, problem = None, ""
    try:
        version = _decode_version(message.value).v
        if version == VERSION:
            letter = _decode(message.value)
        else:
            problem = f"letter version {version}, this program knows {VERSION}: upgrade it"
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        problem = f"no letter: {error}"
    return Kept(
        key=_key(message),
        lane=lane,
        offset=message.offset,
        bytes=len(message.value),
        letter=letter,
        problem=problem,
    )


def _without_bytes(one: Kept) -> Kept:
    if one.letter is None:
        return one
    small = msgspec.structs.replace(one.letter, raw="", detail=one.letter.detail[:DETAIL])
    return msgspec.structs.replace(one, letter=small)


def _key(message: Message) -> str:
    return (message.key or b"").decode(errors="replace")
