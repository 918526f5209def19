"""A place in an order of rows, as opaque text for URLs."""

import base64
from typing import Any, NamedTuple, TypeVar

import msgspec

from shared.formats.values import EARLIEST_US, LATEST_US

P = TypeVar("P")


class Place(NamedTuple):
    """A row's values in the columns that rows are sorted by. Times are microseconds."""

    timestamp: int
    received_at: int
    partition: int
    message_offset: int
    record_index: int
    topic: str

    @property
    def is_possible(self) -> bool:
        """Whether the columns can hold it."""
        times_fit = all(EARLIEST_US <= time <= LATEST_US for time in self[:2])
        return times_fit and all(0 <= number < 2**63 for number in self[2:5])


PLACE_COLUMNS = ("timestamp", "received_at", "_partition", "_offset", "_index", "_topic")
"""The order of rows (contracts.md, "Order"). `_topic` is last: it only separates topics that share the table."""

STORED_ORDER = PLACE_COLUMNS[:-1]
"""The tables' own order. By it the server reads no more than a LIMIT needs; with `_topic` behind it reads every row
(performance.md, "Sorted as stored")."""

MOST_EQUAL = 8
"""Most rows that are equal in `STORED_ORDER`, one of each topic that shares the table. Who asks for so many more than
are needed and sorts them by `PLACE_COLUMNS` has the first ones of that order."""

NOT_OURS = "it must come from a Link header"

_encode = msgspec.json.Encoder().encode


def encode_place(place: Any) -> str:
    """Of a `Place`, or of anything else that stands for one and that `msgspec` knows."""
    return base64.urlsafe_b64encode(_encode(place)).decode().rstrip("=")


def decode_place(text: str) -> Place:
    """The place in a text from `encode_place`. Raises ValueError for any other text."""
    place = decode_as(Place, text)
    if not place.is_possible:
        raise ValueError(NOT_OURS)
    return place


def decode_as(kind: type[P], text: str) -> P:
    """What `encode_place` wrote. Raises ValueError for any other text."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=kind)
    except (ValueError, msgspec.MsgspecError) as error:
        raise ValueError(NOT_OURS) from error
