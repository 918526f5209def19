"""A place in the order of logs, as opaque text for URLs."""

import base64
from typing import NamedTuple

import msgspec

from shared.formats.values import EARLIEST_US, LATEST_US


class Place(NamedTuple):
    """A row's values in the columns that logs are sorted by. Times are microseconds."""

    timestamp: int
    received_at: int
    partition: int
    message_offset: int
    record_index: int
    topic: str


PLACE_COLUMNS = ("timestamp", "received_at", "_partition", "_offset", "_index", "_topic")
"""The order of logs (contracts.md, "Order"). `_topic` is last: it only separates topics that share the table."""

_NOT_OURS = "it must come from a Link header"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Place).decode


def encode_place(place: Place) -> str:
    return base64.urlsafe_b64encode(_encode(place)).decode().rstrip("=")


def decode_place(text: str) -> Place:
    """The place in a text from `encode_place`. Raises ValueError for any other text."""
    try:
        place = _decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, msgspec.MsgspecError) as error:
        raise ValueError(_NOT_OURS) from error
    if not all(EARLIEST_US <= time <= LATEST_US for time in place[:2]) or not all(
        0 <= number < 2**63 for number in place[2:5]
    ):
        raise ValueError(_NOT_OURS)
    return place
