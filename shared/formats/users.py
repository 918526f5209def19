"""`user` and `account` objects -> their columns: one for each known key, and one with the further keys as JSON."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import msgspec

from shared.formats.base import Columns
from shared.formats.values import plain

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def person_columns(name: str, sent: Sequence[msgspec.Raw], known: tuple[str, ...]) -> Columns:
    """Columns `<name>_<key>` for each known key, and `<name>` with the other keys ('' if there are none)."""
    n = len(sent)
    columns: Columns = {f"{name}_{key}": [""] * n for key in known}
    further: list[Any] = [""] * n
    for row, raw in enumerate(sent):
        text = bytes(raw)
        if not text or not text.startswith(b"{"):  # absent, null, or PHP's empty array
            continue
        person = _person(text)
        for key in known:
            columns[f"{name}_{key}"][row] = text_of(person.pop(key, None))
        if person:
            others = _decode_raw(text)
            further[row] = _encode({key: others[key] for key in person})
    columns[name] = further
    return columns


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
