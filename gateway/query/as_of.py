"""A state of what is stored, as opaque text for URLs: pages, counts and shared links that name it don't move while rows
arrive (contracts.md, "How far an answer is complete")."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.query.language import Condition, Cost
from gateway.query.parameters import Parameters
from shared.formats.values import EARLIEST_US, LATEST_US
from shared.queue.base import Lane

MAX_LANES = 256
"""Of more lanes there is no text: it would be too long for a header."""

MAX_TEXT = 4_096

SETTLED_US = 10 * 60 * 1_000_000
"""What was received so long before the state is stored, or nobody was told that it would be: a gateway answers 503
when the queue has not taken a request within `SLUICE_GATEWAY_PUBLISH_TIMEOUT_S`."""

_NOT_OURS = "it must come from an X-As-Of header"

_Offset = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Offsets = Annotated[tuple[_Offset, ...], Meta(min_length=1)]
_Topic = Annotated[str, Meta(min_length=1, max_length=249)]
_Time = Annotated[int, Meta(ge=EARLIEST_US, le=LATEST_US)]


@dataclass(frozen=True)
class AsOf:
    """`complete`: all that was accepted before it is in the state, microseconds. `ends`: topic -> of each partition,
    beginning with 0, the offset after the last one that is in the state."""

    complete: int
    ends: Mapping[str, tuple[int, ...]]

    def end(self, lane: Lane) -> int:
        """The offset after the last one of a lane that is in the state; 0 for a lane that it doesn't name."""
        ends = self.ends.get(lane.topic, ())
        return ends[lane.partition] if lane.partition < len(ends) else 0

    @property
    def condition(self) -> Condition:
        """That a row is in the state. Rows of lanes that it doesn't name count by their age alone."""
        older = "received_at < fromUnixTimestamp64Micro(%(as_of)s)"
        below = [
            f"(_topic = %(as_of_topic_{n})s AND _offset < arrayElement(%(as_of_ends_{n})s, _partition + 1))"
            for n in range(len(self.ends))
        ]
        values: dict[str, Any] = {"as_of": max(EARLIEST_US, self.complete - SETTLED_US)}
        for n, (topic, ends) in enumerate(self.ends.items()):
            values |= {f"as_of_topic_{n}": topic, f"as_of_ends_{n}": list(ends)}
        return Condition(f"({' OR '.join((older, *below))})", values, Cost.COLUMNS)


class _Text(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What the text holds."""

    complete: _Time
    ends: Annotated[dict[_Topic, _Offsets], Meta(max_length=MAX_LANES)]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Text).decode


def as_of(complete: int, ends: Mapping[Lane, int]) -> AsOf | None:
    """The state in which each lane ends at an offset; None where the lanes are too many for a text."""
    by_topic: dict[str, list[int]] = {}
    for lane, end in sorted(ends.items()):
        offsets = by_topic.setdefault(lane.topic, [])
        offsets += [0] * (lane.partition - len(offsets)) + [end]
    if sum(map(len, by_topic.values())) > MAX_LANES:
        return None
    return AsOf(complete, {topic: tuple(offsets) for topic, offsets in by_topic.items()})


def joined(complete: int, states: Sequence[AsOf]) -> AsOf | None:
    """The state that has the lanes of all of these, which have none in common; None where they are too many."""
    ends = {topic: ends for state in states for topic, ends in state.ends.items()}
    return AsOf(complete, ends) if sum(map(len, ends.values())) <= MAX_LANES else None


def encode_as_of(state: AsOf) -> str:
    text = _encode(_Text(state.complete, dict(state.ends)))
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def decode_as_of(text: str) -> AsOf:
    """The state in a text from `encode_as_of`. Raises ValueError for any other text."""
    try:
        if len(text) > MAX_TEXT:
            raise ValueError(_NOT_OURS)
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found = _decode(packed)
    except (ValueError, msgspec.MsgspecError) as error:
        raise ValueError(_NOT_OURS) from error
    if sum(map(len, found.ends.values())) > MAX_LANES:
        raise ValueError(_NOT_OURS)
    return AsOf(found.complete, found.ends)


def parse_as_of(given: Parameters) -> AsOf | None:
    """`as_of`. What can't be used becomes an issue of `given`."""
    return given.parsed("as_of", decode_as_of, "value_error", "a state of what is stored")
