"""The body of the older `/store/`: one event alone (sentry.md, "Routes")."""

import binascii
import zlib

from shared.formats.intake import Malformed, TooMany
from shared.formats.sentry.envelope import Header, Item
from shared.formats.sentry.picking import Found, pick, picked

_ENVELOPE = "application/x-sentry-envelope"
_LARGEST = 1_000_000
"""Bytes of an event that came packed: a larger one could not be stored."""


def pick_stored(body: bytes, content_type: str) -> list[Found]:
    """The event of a body, or the records of an envelope that was sent here. Raises `Malformed`, `TooMany`,
    `BadRecord`."""
    return pick(body) if content_type.startswith(_ENVELOPE) else picked(Header(), [Item("event", _event(body))])


def _event(body: bytes) -> bytes:
    """The JSON; raven packs it with zlib and writes it in base64."""
    text = body.strip()
    if text.startswith(b"{"):
        return text
    try:
        packed = binascii.a2b_base64(text)
        event = packed if packed.lstrip().startswith(b"{") else _unpacked(packed)
    except (binascii.Error, zlib.error) as error:
        raise Malformed("neither a JSON object nor base64 of one") from error
    if not event.lstrip().startswith(b"{"):
        raise Malformed("it holds no JSON object")
    return event


def _unpacked(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    event = unpacking.decompress(packed, _LARGEST)
    if unpacking.unconsumed_tail:
        raise TooMany("the event is over the limit")
    return event
