"""The `api_key` that a body carries: found for authentication, and removed from what is published
(contracts.md, "Keys")."""

import re
from typing import Any

import msgspec

from gateway.validation.sizes import refuse_bomb, split
from shared.formats.lenient_json import repaired


class _KeyOnly(msgspec.Struct, gc=False):
    api_key: msgspec.Raw = msgspec.Raw()


_decode_any = msgspec.json.Decoder().decode
_decode_key = msgspec.json.Decoder(_KeyOnly).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_perhaps = re.compile(rb'"api_key"|\\u00(?:5[fF]|6[159bB]|7[09])').search
"""The name, or an escape of one of its characters: a record with neither has no key, and needn't be decoded."""


def key_of(body: bytes | msgspec.Raw) -> str | None:
    """The key of an object; None if it has none, or one that is not a string. Raises `msgspec.DecodeError`."""
    return text_of(_decode_key(body).api_key)


def text_of(sent: Any) -> str | None:
    """The key in a decoded field, raw or not; None if it is not a string. Raises `msgspec.DecodeError`."""
    value = _value_of(sent) if isinstance(sent, msgspec.Raw) else sent
    return value if isinstance(value, str) else None


def key_of_first(body: bytes | msgspec.Raw) -> str | None:
    """The key of an array's first element; of an object, its own. Raises as `key_of`, and `TooLarge`."""
    text = bytes(body).lstrip()
    if not text.startswith(b"["):
        return key_of(text)
    refuse_bomb(text)
    elements = split(text)
    return key_of(elements[0]) if elements else None


def sent_key(record: bytes) -> Any:
    """The `api_key` of a record, whatever JSON value it is; None if there is none or the record can't be read."""
    if not _perhaps(record):
        return None
    for text in (record, repaired(record)):
        try:
            return _value_of(_decode_key(text).api_key)
        except msgspec.DecodeError:
            continue
    return None


def without_key(record: bytes) -> bytes:
    """A record that is an object, without its key; the other values byte for byte."""
    if not _perhaps(record):
        return record
    fields = _decode_fields(record)
    return _encode(fields) if fields.pop("api_key", None) is not None else record


def without_keys(records: bytes) -> bytes:
    """An array of objects, without their keys."""
    return b"[%b]" % b",".join(map(without_key, split(records))) if _perhaps(records) else records


def _value_of(raw: msgspec.Raw) -> Any:
    return _decode_any(raw) if bytes(raw) else None
