"""The current letters of a topic `<topic>.dlq`: the newest of every key, read without a group."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import msgspec

from shared.audit import ALL, Action, Deed
from shared.letters import Kept, key_of, read_letter
from shared.queue.base import Lane, Queue
from shared.signals.base import Signal

DETAIL = 300
"""Characters of a letter's detail that are kept in memory."""


@dataclass(frozen=True)
class Chosen:
    """Which letters a command is about. What is left out is not limited."""

    states: frozenset[str] = frozenset()
    """As `Kept.state` names them."""
    reasons: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    partitions: frozenset[int] = frozenset()
    """Of the source, as are the offsets and the time."""
    offsets: tuple[int, int] | None = None
    """First and last, both included."""
    from_ms: int | None = None
    to_ms: int | None = None

    @property
    def open(self) -> "Chosen":
        """The open ones of these."""
        return replace(self, states=frozenset({"open"}))

    def __call__(self, kept: Kept) -> bool:
        letter = kept.letter
        if (self.states and kept.state not in self.states) or (self.keys and kept.key not in self.keys):
            return False
        if letter is None:  # only its key and state are known
            return not (self.reasons or self.partitions or self.offsets or self.from_ms or self.to_ms)
        first, last = self.offsets or (letter.offset, letter.offset)
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.partitions or letter.partition in self.partitions)
            and first <= letter.offset <= last
            and (self.from_ms is None or kept.at_ms >= self.from_ms)
            and (self.to_ms is None or kept.at_ms < self.to_ms)
        )


def deed_about_letters(action: Action, signal: Signal, chosen: Chosen, **more: Any) -> Deed:
    """What the audit log keeps of a command about letters, of all projects: which were asked for."""
    asked = {name: value for name, value in asdict(chosen).items() if value and name != "states"}
    return Deed(action=action, subject=signal.dead_letter_topic, project_id=ALL, detail=asked | more)


async def current_letters(
    queue: Queue, dead_letter_topic: str, wanted: Callable[[Kept], bool] = lambda _: True
) -> list[Kept]:
    """The wanted letters in the order of publication, without their bytes (`with_bytes` reads those).

    Takes about 1 kB of memory a wanted letter. A topic that doesn't exist has none. Raises `QueueUnavailable`.
    """
    found: list[Kept] = []
    for lane in await queue.lanes([dead_letter_topic]):
        found += await _current(queue, lane, wanted)
    return found


async def with_bytes(queue: Queue, kept: Iterable[Kept]) -> AsyncIterator[Kept]:
    """The same letters with their bytes, one after the other. A letter that was changed meanwhile is left out."""
    by_lane: dict[Lane, dict[int, str]] = {}
    for one in kept:
        by_lane.setdefault(one.lane, {})[one.offset] = one.key
    for lane, wanted in by_lane.items():
        async for messages in queue.read(lane, min(wanted), max(wanted) + 1):
            for message in messages:
                if message.offset in wanted and key_of(message) == wanted[message.offset]:
                    yield read_letter(lane, message)


async def _current(queue: Queue, lane: Lane, wanted: Callable[[Kept], bool]) -> list[Kept]:
    """Read to the end, then once more to where the end has moved: a letter changed during the read stands there.

    Not until the end stops moving: with a writer that gives up a record every second it never would.
    """
    newest: dict[str, Kept] = {}
    first = (await queue.begin_offsets([lane]))[lane]
    for _ in range(2):
        end = (await queue.end_offsets([lane]))[lane]
        async for messages in queue.read(lane, first, end):
            for message in messages:
                one = _without_bytes(read_letter(lane, message))
                newest.pop(one.key, None)
                if wanted(one):
                    newest[one.key] = one
        first = end
    return list(newest.values())


def _without_bytes(one: Kept) -> Kept:
    if one.letter is None:
        return one
    small = msgspec.structs.replace(one.letter, raw="", detail=one.letter.detail[:DETAIL])
    return msgspec.structs.replace(one, letter=small)
