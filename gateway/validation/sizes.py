"""Limits of size within a body, and the exceptions for one record that breaks its contract."""

from collections.abc import Iterable

import msgspec

from gateway.rejections import TooLarge
from shared.metrics import DropReason

MAX_RECORD_BYTES = 512_000
"""Largest record, bytes as sent (contracts.md, "Bodies")."""

FAST_BYTES = 256_000
"""Largest body that the event loop has msgspec decode: a millisecond or two."""

SLOW_BYTES = 16_000
"""Largest body that Python looks at on the event loop, value by value: about ten milliseconds at worst."""

MANY = 1_000
"""Records, or lines, that are still looked at one by one on the event loop."""

MAX_VALUES = 200_000
"""Most JSON values in a body: Python objects take far more memory than their JSON. No log batch comes near it."""

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Heavy(Exception):
    """To check this body would hold the event loop for too long: a process aside has to do it."""


class Faulty(Exception):
    """A record that breaks its contract; the text says how in one word, for `X-Dropped`, and never quotes it."""

    reason: DropReason = "invalid"


class Oversized(Faulty):
    """A record over the limit."""

    reason = "too_large"


def any_oversized(records: Iterable[bytes]) -> bool:
    """Whether a record is over the limit."""
    return any(len(record) > MAX_RECORD_BYTES for record in records)


def refuse_bomb(text: bytes) -> None:
    """Raise `TooLarge` for JSON whose values would fill the memory."""
    if len(text) > MAX_VALUES and text.count(b",") + text.count(b"[") + text.count(b"{") > MAX_VALUES:
        raise TooLarge


def split(records: bytes | msgspec.Raw) -> list[bytes]:
    """The JSON texts of an array."""
    return [bytes(record) for record in _split(records)]
