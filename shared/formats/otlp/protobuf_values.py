"""Values of attributes and bodies in protobuf -> JSON.

Nearly all are a text or a number and nothing else, and the attribute a key and such a value: then the sizes say where
each part stands, and it is cut there. Where any byte is another one, upb decodes the message, at three times the time.
"""

from collections.abc import Sequence
from math import isfinite
from struct import Struct
from typing import Any

from shared.formats.otlp.attributes import Pair, pair
from shared.formats.otlp.known import KnownPairs
from shared.formats.otlp.schema import FULL, Message
from shared.formats.otlp.values import base64_text, json_bytes, json_text, named, printable

_KEY, _VALUE = 0x0A, 0x12
"""The tags of KeyValue's fields."""

_STRING, _BOOL, _INT, _DOUBLE = 0x0A, 0x10, 0x18, 0x21
"""The tags of AnyValue's fields that are cut out here."""

_MORE = 0x80
"""Set in a byte of a varint that is not its last one."""

_BOOLS = {0: b"false", 1: b"true"}

_unpack = Struct("<d").unpack
_decode_pair = FULL["KeyValue"].FromString
_decode_value = FULL["AnyValue"].FromString


def text(sent: bytes) -> str:
    if not sent:
        return ""
    made = sent.decode("utf-8", "replace")
    return printable(made) if "\0" in made else made


def _name_of(head: bytes) -> str:
    """The tag, size and bytes of a key -> the key."""
    return text(head[2:])


def _pairs_of(known: KnownPairs, slices: Sequence[bytes]) -> list[Pair]:
    """KeyValues. Raises `DecodeError`."""
    keys = known.keys
    made = []
    for sent in slices:
        value = _simple(sent)
        if value:
            key = keys[sent[: sent[1] + 2]]
            found = key.name, key.before + value
        else:
            key = known.other
            found = pair(*_pair(_decode_pair(sent)))
        if key.room:
            known.remember(key, sent, found)
        made.append(found)
    return made


def known_pairs() -> KnownPairs:
    return KnownPairs(_name_of, _pairs_of)


def _simple(sent: bytes) -> bytes | None:
    """The JSON of the value of a KeyValue that has a key, of less than 128 bytes, a simple value, and nothing else;
    '' or None for another one."""
    try:
        end = sent[1] + 2
        begin = end + 2
        size = len(sent) - begin
        if end >= _MORE or sent[end] != _VALUE or sent[0] != _KEY:
            return None
        if not sent[end + 1] == size < _MORE:
            return _long_text(sent, end + 1)
        tag = sent[begin]
        if tag == _STRING and sent[begin + 1] == size - 2:
            made = sent[begin + 2 :].decode()
            return json_bytes(printable(made) if "\0" in made else made)
        if tag == _INT:
            return _whole(sent[begin + 1 :])
        if tag == _BOOL and size == 2:
            return _BOOLS.get(sent[begin + 1])
        return _double(sent[begin + 1 :]) if tag == _DOUBLE and size == 9 else None
    except (IndexError, UnicodeDecodeError):  # shorter than what it would need; text that upb's way mends
        return None


def _long_text(sent: bytes, at: int) -> bytes | None:
    """The JSON of a text behind the size, of two bytes, of the value that holds it. Raises IndexError."""
    value = sent[at + 2 :]
    if not sent[at] >= _MORE > sent[at + 1] or sent[at] - _MORE + _MORE * sent[at + 1] != len(value):
        return None
    only = _only_text(value)
    return None if only is None else json_bytes(text(only))


def _double(sent: bytes) -> bytes:
    """JSON; '' for what it has no number for."""
    (double,) = _unpack(sent)
    return json_bytes(double) if isfinite(double) else b""


def _whole(varint: bytes) -> bytes:
    """The JSON of a number of up to nine bytes; '' for a negative one, or if more follows. Raises IndexError."""
    number = varint[-1]
    if number >= _MORE or len(varint) > 9:
        return b""
    if len(varint) > 1:
        for byte in varint[-2::-1]:
            if byte < _MORE:
                return b""
            number = number << 7 | byte - _MORE
    return json_bytes(number)


def body_of(sent: bytes) -> str | None:
    """A text as it is, another AnyValue as JSON text, None for none. Raises `DecodeError`."""
    if not sent:
        return None
    if (only := _only_text(sent)) is not None:
        return text(only)
    value = _decode_value(sent)
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return text(value.string_value)
    return None if kind is None else json_text(_value(value))


def _only_text(sent: bytes) -> bytes | None:
    """What an AnyValue holds that is a text of less than 16 kB and nothing else."""
    size = len(sent)
    if sent[0] != _STRING or size < 2:
        return None
    if sent[1] < _MORE:
        return sent[2:] if sent[1] == size - 2 else None
    has_two = size > 2 and sent[2] < _MORE and sent[1] - _MORE + _MORE * sent[2] == size - 3
    return sent[3:] if has_two else None


def _pair(sent: Message) -> tuple[str, Any]:
    return text(sent.key), _value(sent.value)


def _value(sent: Any) -> Any:
    """A value as JSON holds it (contracts.md, "Attributes of OTLP")."""
    kind = sent.WhichOneof("value")
    if kind is None:
        return None
    value = getattr(sent, kind)
    if kind == "string_value":
        return text(value)
    if kind == "double_value":
        return value if isfinite(value) else named(value)
    if kind == "array_value":
        return [_value(each) for each in value.values]
    if kind == "kvlist_value":
        return dict(map(_pair, value.values))
    return base64_text(value) if kind == "bytes_value" else value
