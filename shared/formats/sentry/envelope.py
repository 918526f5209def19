"""The envelope of Sentry's SDKs: a line with a header, then items, each a line with a header and a payload
(sentry.md, "Envelopes")."""

import re
from typing import Annotated, NamedTuple

import msgspec

from shared.formats.intake import Malformed, TooMany
from shared.formats.lenient_json import BOM

MOST_ITEMS = 1_000
LONGEST_HEADER = 64_000
"""Bytes of a header's line; an SDK's has some hundred."""

_ABSENT = msgspec.Raw()
_EMPTY_LINES = re.compile(rb"\n*+")
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Header(msgspec.Struct, gc=False):
    """The envelope's own header. Its fields may be of any type."""

    event_id: msgspec.Raw = _ABSENT
    dsn: msgspec.Raw = _ABSENT
    trace: msgspec.Raw = _ABSENT
    sent_at: msgspec.Raw = _ABSENT
    sdk: msgspec.Raw = _ABSENT


class Item(NamedTuple):
    type: str
    payload: bytes


class _ItemHeader(msgspec.Struct, gc=False):
    type: str
    length: Annotated[int, msgspec.Meta(ge=0)] | None = None


_header = msgspec.json.Decoder(Header).decode
_item_header = msgspec.json.Decoder(_ItemHeader).decode


def parse(body: bytes) -> tuple[Header, list[Item]]:
    """An envelope's header and its items, in order. Takes time in proportion to the body.

    A payload is as long as its item's `length` says, and a newline or the end follows it; without `length` it ends
    before the next newline. Empty lines between items are skipped. Raises `Malformed`, and `TooMany` for too many
    items.
    """
    header, at = header_of(body)
    items: list[Item] = []
    while (at := _after_empty_lines(body, at)) < len(body):
        if len(items) == MOST_ITEMS:
            raise TooMany(f"more than {MOST_ITEMS} items")
        item, at = _item(body, at)
        items.append(item)
    return header, items


def header_of(body: bytes) -> tuple[Header, int]:
    """The envelope's header, and where the line after it begins. Raises `Malformed`."""
    line, at = _line(body, 0)
    try:
        return _header(line.removeprefix(BOM)), at
    except _REFUSED as error:
        raise Malformed("the envelope's header is no line with a JSON object") from error


def _item(body: bytes, at: int) -> tuple[Item, int]:
    """The item that begins there, and where the next one may begin."""
    line, at = _line(body, at)
    try:
        header = _item_header(line)
    except _REFUSED as error:
        raise Malformed("an item's header is no line with a JSON object that has a type") from error
    if header.length is None:
        end = _end_of_line(body, at)
    else:
        end = at + header.length
        if end > len(body) or body[end : end + 1] not in (b"\n", b""):
            raise Malformed("an item does not end where its length says")
    return Item(header.type, body[at:end]), end + 1


def _line(body: bytes, at: int) -> tuple[bytes, int]:
    """A header's line, and where the next line begins: at most at the end."""
    end = _end_of_line(body, at)
    if end - at > LONGEST_HEADER:
        raise Malformed("a header is too long")
    return body[at:end], min(end + 1, len(body))


def _end_of_line(body: bytes, at: int) -> int:
    end = body.find(b"\n", at)
    return len(body) if end < 0 else end


def _after_empty_lines(body: bytes, at: int) -> int:
    found = _EMPTY_LINES.match(body, at)
    return at if found is None else found.end()
