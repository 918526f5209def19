"""One event, one row: an event that a client sends again under the same id is not stored again
(contracts.md, "Idempotency-Key").

An id counts in whatever way it came: alone, twice in one array, in two arrays.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import msgspec

from gateway.http.answer import Answer
from gateway.idempotency import Idempotency
from gateway.rejections import EventReused
from gateway.validation.parts import TOLD, Part
from shared.event_ids import same_id

Publish = Callable[[list[Part]], Awaitable[Answer]]
"""Publishes parts and returns the answer. Raises when nothing was acknowledged."""

REUSED = "reused_event_id"
"""Why an element of an array is dropped whose id came with another body before."""


class _Event(NamedTuple):
    """A record with an id: where it is among the records of its part, its key and its digest."""

    at: int
    key: bytes
    digest: bytes


class Events:
    """Stores each event once.

    1. An event counts as stored only after the queue has acknowledged it, never before.
    2. With Redis away events are stored all the same, and that is counted.
    """

    def __init__(self, idempotency: Idempotency) -> None:
        self._idempotency = idempotency

    async def once(self, project_id: str, route: str, parts: Sequence[Part], publish: Publish) -> Answer:
        """Publish the events that were not published before.

        A repeat is accepted like the first. Another body under an id of before is dropped where it came in an array.

        Raises:
            EventReused: it is the whole request.
            Unavailable: one of the events is under way in another request.
            Whatever `publish` raises; then none of these events counts as published.
        """
        events = [_events(part) for part in parts]
        first: dict[bytes, bytes] = {}
        for each in events:
            for event in each:
                first.setdefault(event.key, event.digest)
        marks = await self._idempotency.begin(project_id, route, first)
        try:
            known = first | marks.found
            left = [_left(part, each, known, set(marks.found)) for part, each in zip(parts, events, strict=True)]
            answer = await publish(left)
        except BaseException:
            await self._idempotency.end(marks, succeeded=False)
            raise
        await self._idempotency.end(marks, succeeded=True)
        return answer


def has_ids(parts: Sequence[Part]) -> bool:
    """Whether a client named one of the events."""
    for part in parts:  # noqa: SIM110 # a generator would cost each request a third of a microsecond
        if part.event_ids and any(part.event_ids):
            return True
    return False


def _events(part: Part) -> list[_Event]:
    """The records that have an id of the client's."""
    if not part.event_ids or not any(part.event_ids):
        return []
    return [
        _Event(index, b"\0event:" + same_id(event_id).encode(), digest)  # no header can hold a NUL
        for index, (event_id, digest) in enumerate(zip(part.event_ids, part.digests, strict=True))
        if event_id
    ]


def _left(part: Part, events: list[_Event], known: dict[bytes, bytes], seen: set[bytes]) -> Part:
    """The part without the events that were `seen` before. Those with another body than is known are dropped."""
    repeated: set[int] = set()
    reused: set[int] = set()
    for index, key, digest in events:
        if digest != known[key]:
            reused.add(index)
        elif key in seen:
            repeated.add(index)
        seen.add(key)
    if not repeated and not reused:
        return part
    if reused and not part.places:
        raise EventReused
    accepted = [index for index in range(part.n) if index not in reused]
    kept = [index for index in accepted if index not in repeated]
    left = msgspec.structs.replace(
        part,
        payload=part.format.codec.keep(part.payload, kept),
        n=len(kept),
        event_ids=[part.event_ids[index] for index in kept],
        repeated=[(place, part.event_ids[index]) for place, index in enumerate(accepted) if index in repeated],
    )
    _drop(left, sorted(part.places[index] for index in reused))
    return left


def _drop(part: Part, places: list[int]) -> None:
    """Name the elements among those that were dropped, in order."""
    told = {int(each.split(":", 1)[0]): each for each in part.told} | {place: f"{place}:{REUSED}" for place in places}
    part.dropped = sorted([*part.dropped, *((place, "invalid") for place in places)])
    part.told = [told[place] for place in sorted(told)][:TOLD]
