"""The body of the older `/store/`: one event alone (sentry.md, "Routes")."""

import binascii
import zlib

from shared.formats.intake import Malformed, TooMany
from shared.formats.lenient_json import BOM
from shared.formats.sentry.envelope import Header, Item
from shared.formats.sentry.picking import Found, pick, picked
from shared.formats.sentry.shortened import LARGEST

_ENVELOPE = "application/x-sentry-envelope"


def pick_stored(body: bytes, content_type: str) -> list[Found]:
    """The event of a body, or the records of an envelope that was sent here. Raises `Malformed`, `TooMany`,
    `BadRecord`."""
    is_envelope = content_type.lower().startswith(_ENVELOPE)
    return pick(body) if is_envelope else picked(Header(), [Item("event", _event(body))])


def is_packed(body: bytes) -> bool:
    """Whether it is no JSON as it stands."""
    return not _text(body).startswith(b"{")


def is_large_once_unpacked(body: bytes, most: int) -> bool:
    """Whether a packed body holds more than so many bytes. It is unpacked no further than that."""
    try:
        return len(_unpacked(_text(body), most)) > most
    except TooMany:
        return True
    except Malformed:
        return False


def _event(body: bytes) -> bytes:
    """The JSON; raven packs it with zlib and writes it in base64."""
    text = _text(body)
    event = _unpacked(text, LARGEST) if is_packed(text) else text
    if is_packed(event):
        raise Malformed("it holds no JSON object")
    return event


def _text(body: bytes) -> bytes:
    return body.removeprefix(BOM).strip()


def _unpacked(text: bytes, most: int) -> bytes:
    """What is base64 of JSON, or of JSON packed with zlib. Raises `Malformed`, and `TooMany` for more than `most`
    bytes that were packed."""
    try:
        packed = binascii.a2b_base64(text)
        if not is_packed(packed):
            return packed
        unpacking = zlib.decompressobj()
        event = unpacking.decompress(packed, most)
    except (binascii.Error, zlib.error) as error:
        raise Malformed("neither a JSON object nor base64 of one") from error
    if unpacking.unconsumed_tail or (len(event) == most and not unpacking.eof):
        raise TooMany("the event is over the limit")
    if not unpacking.eof or unpacking.unused_data:
        raise Malformed("its packed text is cut off, or something follows it")
    return event
