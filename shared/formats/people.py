"""`user` and `account` objects -> their columns: the known keys each in one, the further ones as JSON."""

from collections.abc import Sequence
from typing import Any

import msgspec

from shared.formats.base import Columns
from shared.formats.values import plain

_NULL = msgspec.Raw(b"null")

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def person_columns(name: str, sent: Sequence[msgspec.Raw], known: tuple[str, ...]) -> Columns:
    """Columns `<name>_<key>` for each known key, and `<name>` with the other keys ('' where there are none)."""
    n = len(sent)
    columns: Columns = {f"{name}_{key}": [""] * n for key in known}
    further: list[Any] = [""] * n
    for row, raw in enumerate(sent):
        text = bytes(raw)
        if not text or text == b"null":
            continue
        person = _decode(text)
        for key in known:
            columns[f"{name}_{key}"][row] = text_of(plain(person.pop(key, _NULL)))
        if person:
            further[row] = _encode(person)
    columns[name] = further
    return columns


def text_of(value: Any) -> str:
    """An id as text: strings and numbers; '' for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
