"""`user` and `account` objects -> their columns: one for each known key, and one with the further keys as JSON."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import msgspec
from msgspec.structs import astuple

from shared.formats.base import Columns
from shared.formats.values import plain

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


MOST_KNOWN = 16_384
"""How many different users, or accounts, are remembered."""

LARGEST_KNOWN = 512
"""Bytes of the largest one that is: together they take at most some 20 MB. What a column cuts is larger, so each row
has a text of its own to note (`limit_text`)."""


class People(dict[bytes, tuple[Any, ...]]):
    """The columns of one kind of person: `<name>_<key>` for each known key, and `<name>` with the further keys ('' if
    there are none).

    It is a dict of those that were met, JSON text -> their values in the order of `names`: the same ones come again
    and again (performance.md, "People come again").
    """

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.names = (*(f"{name}_{key}" for key in known), name)
        self._known = known
        plain_one = msgspec.defstruct(
            name, [(key, str | None, "") for key in known], forbid_unknown_fields=True, gc=False
        )
        self._decode_plain = msgspec.json.Decoder(plain_one).decode

    def columns(self, sent: Sequence[msgspec.Raw]) -> Columns:
        """A value a row in each column."""
        return dict(zip(self.names, zip(*map(self.__getitem__, map(bytes, sent)), strict=True), strict=True))

    def __missing__(self, text: bytes) -> tuple[Any, ...]:
        values = self._values(text)
        if len(text) <= LARGEST_KNOWN:
            if len(self) >= MOST_KNOWN:
                self.clear()
            self[text] = values
        return values

    def _values(self, text: bytes) -> tuple[Any, ...]:
        if not text.startswith(b"{"):  # absent, null, or PHP's empty array
            return ("",) * len(self.names)
        try:
            return (*(value or "" for value in astuple(self._decode_plain(text))), "")
        except msgspec.ValidationError:  # further keys, or an id that is no text
            pass
        person = _person(text)
        known = [text_of(person.pop(key, None)) for key in self._known]
        if not person:
            return (*known, "")
        others = _decode_raw(text)
        return (*known, _encode({key: others[key] for key in person}))


def _person(text: bytes) -> dict[str, Any]:
    try:
        return _decode(text)
    except msgspec.ValidationError:  # a number that no double holds
        return {key: plain(value) for key, value in _decode_raw(text).items()}


def flattened(sent: msgspec.Raw) -> msgspec.Raw:
    """A person without the keys that are null. If its `id` is itself an object, because the client was called with a
    dict, that object's keys join the person's own, which win."""
    if not bytes(sent).startswith(b"{"):  # null, or PHP's empty array
        return msgspec.Raw()
    person = _with_values(sent)
    while bytes(person.get("id", b"")).startswith(b"{"):
        person = _with_values(person.pop("id")) | person
    return msgspec.Raw(_encode(person))


def _with_values(sent: msgspec.Raw) -> dict[str, msgspec.Raw]:
    return {key: raw for key, raw in _decode_raw(sent).items() if bytes(raw) != b"null"}


def text_of(value: Any) -> str:
    """An id as text: strings and finite numbers; '' for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value) if isfinite(value) else ""
    return str(value)
