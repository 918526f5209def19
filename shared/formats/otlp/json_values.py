"""Values of attributes and bodies in JSON -> JSON.

What SDKs send has one form, without blanks, and nearly all values are simple: it is cut and matched as text. All else
is decoded, at three times the time.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain
from math import isfinite
from typing import Any

import msgspec

from shared.formats.otlp.attributes import Attributes, Pair, grouped, pair
from shared.formats.otlp.known import KnownPairs
from shared.formats.otlp.values import json_bytes, json_text, named, printable

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)

_INT64 = range(-(2**63), 2**63)

_BEGIN, _BETWEEN, _END = b'[{"key":', b'},{"key":', b"}]"

_TEXT = rb'"[^"\\\x00-\x1f]*"'
"""A text without escapes: JSON writes it as it was sent."""

_all_simple = re.compile(
    rb'^(%b),"value":\{"(?:stringValue":(%b)' % (_TEXT, _TEXT)
    + rb'|intValue":"?(0|-?[1-9][0-9]{0,17})"?|boolValue":(true|false)'
    + rb'|doubleValue":((?:0|-?[1-9][0-9]{0,17})(?:\.[0-9]{1,30})?))\}$',
    re.MULTILINE,
).findall
"""Key, and text, whole number, boolean or double, of each line: the last may be written in several ways."""

_TEXT_BEGIN, _TEXT_END = b'{"stringValue":"', b'"}'
_QUOTES = 4
"""Of an object with one key and a text."""

_decode_any = msgspec.json.Decoder().decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw] | None).decode


class _Odd(Exception):
    """Attributes that only a parser can take apart."""


def attributes_of(arrays: Sequence[bytes]) -> list[Attributes]:
    """Those in arrays of KeyValue, in valid UTF-8; an array may be null, or empty text.

    Exact: in valid JSON the quote in `},{"key":` can't end a text, so it begins one, and no text holds the braces
    before it. If they belong to attributes within an attribute, there are pieces that are no JSON alone.
    """
    try:
        parts = list(map(_pieces, arrays))
        pairs = _known.all(list(chain.from_iterable(parts)))
    except _Odd:
        parts = list(map(_elements, arrays))
        pairs = list(map(_slow_pair, chain.from_iterable(parts)))
    return grouped(pairs, map(len, parts))


def _pieces(array: bytes) -> list[bytes]:
    """`"key","value":...` of each attribute. Raises `_Odd`, at the latest `_pairs_of` does."""
    if array.startswith(_BEGIN) and array.endswith(_END):
        return array[len(_BEGIN) : -len(_END)].split(_BETWEEN)
    if array in (b"[]", b""):
        return []
    raise _Odd


def _elements(array: bytes) -> list[bytes]:
    return list(map(bytes, _decode_array(array or b"null") or ()))


class _Keyed(msgspec.Struct, gc=False):
    """An attribute without its value."""

    key: msgspec.Raw = msgspec.Raw()


_decode_keyed = msgspec.json.Decoder(_Keyed).decode


def _slow_pair(sent: bytes) -> Pair:
    """Of a value that can't be read, null under its key."""
    attribute = plain(sent)
    if attribute is not None:
        with suppress(RecursionError):  # JSON was less deep than the functions here
            return _pair(attribute)
    return _pair({"key": _key_in(sent)})


def _key_in(sent: bytes) -> Any:
    try:
        return plain(_decode_keyed(sent).key)
    except UNREADABLE:  # null
        return None


def _name_of(head: bytes) -> str:
    """A key in quotes, without escapes -> the key."""
    return head[1:-1].decode()


def _pairs_of(known: KnownPairs, pieces: Sequence[bytes]) -> list[Pair]:
    """Raises `_Odd` for a piece that is no JSON alone."""
    lines = b"\n".join(pieces)
    simple = _all_simple(lines)
    if len(simple) < len(pieces) or lines.count(b"\n") >= len(pieces):
        return [_pair_of(known, piece) for piece in pieces]
    by_head = known.keys
    keys = [by_head[line[0]] for line in simple]
    made = [
        (key.name, key.before + (text or whole or boolean or json_bytes(float(double))))
        for key, (_, text, whole, boolean, double) in zip(keys, simple, strict=True)
    ]
    if sum([key.room for key in keys]):
        for key, piece, each in zip(keys, pieces, made, strict=True):
            if key.room:
                known.remember(key, piece, each)
    return made


def _pair_of(known: KnownPairs, piece: bytes) -> Pair:
    if b"\n" not in piece and _all_simple(piece):
        return _pairs_of(known, [piece])[0]
    try:
        made = _pair(_decode_any(_BEGIN[1:] + piece + b"}"))
    except UNREADABLE as error:
        raise _Odd from error
    known.remember(known.other, piece, made)
    return made


_known = KnownPairs(_name_of, _pairs_of)


def body_of(sent: bytes) -> str | None:
    """A text as it is, another value as JSON text, None for none."""
    if sent.startswith(_TEXT_BEGIN) and sent.endswith(_TEXT_END) and sent.count(b'"') == _QUOTES and b"\\" not in sent:
        return sent[len(_TEXT_BEGIN) : -len(_TEXT_END)].decode()
    value = plain(sent)
    if isinstance(value, dict) and isinstance(value.get("stringValue"), str):
        return printable(value["stringValue"])
    try:
        value = _value(value)
    except RecursionError:
        return None
    return None if value is None else json_text(value)


def plain(raw: msgspec.Raw | bytes) -> Any:
    """Any JSON; None for what can't be read."""
    try:
        return _decode_any(raw) if bytes(raw) else None
    except UNREADABLE:
        return None


def _pair(sent: Any) -> Pair:
    return pair(*_key_value(sent))


def _key_value(sent: Any) -> tuple[str, Any]:
    if not isinstance(sent, dict):
        return "", None
    key = sent.get("key")
    return (printable(key) if isinstance(key, str) else ""), _value(sent.get("value"))


def _value(sent: Any) -> Any:
    """A value as JSON holds it (contracts.md, "Attributes of OTLP"); None for what is no value."""
    if not isinstance(sent, dict):
        return None
    for name, value in sent.items():
        if value is not None and (read := _KINDS.get(name)):
            return read(value)
    return None


def _integer(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    # JavaScript SDKs call every whole number an integer, 1e300 too.
    return number if number in _INT64 else _double(value)


def _double(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else named(number)


def _array(value: Any) -> Any:
    values = value.get("values") if isinstance(value, dict) else None
    return [_value(each) for each in values] if isinstance(values, list) else []


def _object(value: Any) -> Any:
    values = value.get("values") if isinstance(value, dict) else None
    return dict(map(_key_value, values)) if isinstance(values, list) else {}


def _string(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else None


def _boolean(value: Any) -> Any:
    return value if isinstance(value, bool) else None


_KINDS: Mapping[str, Any] = {
    "stringValue": _string,
    "boolValue": _boolean,
    "intValue": _integer,
    "doubleValue": _double,
    "arrayValue": _array,
    "kvlistValue": _object,
    "bytesValue": _string,
}
