"""The JSON of an error."""

from collections.abc import Sequence

import msgspec

from gateway.mapping.answers import Outcome
from gateway.query.events.chain import shown
from gateway.query.events.search import Event

_encode = msgspec.json.Encoder().encode


def answer(event: Event, outcomes: Sequence[Sequence[Outcome]]) -> list[bytes]:
    """The answer, in pieces: the stored columns, then what is made of them when they are read."""
    made = {
        "language": event.chain.language,
        "errors": shown(event.chain, outcomes),
        # The group that people merged this one into belongs here, as `group`.
    }
    return [b"{", event.columns, b",", _encode(made)[1:]]
