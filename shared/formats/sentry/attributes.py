"""Attributes of spans and logs: `{key: {value, type, unit}}` -> `{key: value}` (sentry-rows.md, "Attributes")."""

from typing import Any, NamedTuple

import msgspec

from shared.formats.base import ABSENT
from shared.formats.otlp.records import told
from shared.formats.sentry.reading import NOTHING, Fields, fields, value


class _Attribute(msgspec.Struct, gc=False):
    value: msgspec.Raw = ABSENT
    unit: msgspec.Raw = ABSENT


_ABOUT_VALUES = {"type", "unit"}


_decode = msgspec.json.Decoder(dict[str, _Attribute]).decode
_decode_one = msgspec.json.Decoder(_Attribute).decode
_encode = msgspec.json.Encoder().encode


class Attributes(NamedTuple):
    """Values byte for byte."""

    values: Fields
    units: Fields

    @property
    def text(self) -> bytes:
        """JSON; b'' for none."""
        return _encode(self.values) if self.values else b""

    @property
    def notes(self) -> dict[str, Any]:
        """For a row's `extra`."""
        return {"units": self.units} if self.units else {}

    def said(self, name: str) -> str:
        """An attribute as text; '' for one that is neither text nor number."""
        return told(value(self.values.get(name)))

    def plain(self) -> dict[str, Any]:
        return {name: value(raw) for name, raw in self.values.items()}


def attributes_in(raw: msgspec.Raw | None) -> Attributes:
    """What isn't of that form is its own value."""
    if raw is None:
        return Attributes({}, {})
    try:
        sent = _decode(raw)
        is_read = all(each.value is not ABSENT for each in sent.values())
    except (msgspec.MsgspecError, ValueError, RecursionError):
        is_read = False
    if not is_read:
        sent = {name: _one(each) for name, each in fields(raw).items()}
    return Attributes(
        {name: each.value for name, each in sent.items()},
        {name: each.unit for name, each in sent.items() if each.unit is not ABSENT},
    )


def _one(raw: msgspec.Raw) -> _Attribute:
    try:
        found = _decode_one(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _Attribute(raw)
    if found.value is ABSENT:
        return _Attribute(NOTHING if fields(raw).keys() <= _ABOUT_VALUES else raw)
    return found
