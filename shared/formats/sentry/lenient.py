"""JSON as Sentry's SDKs write it, read leniently: what is of another type than is looked for counts as absent."""

import re

import msgspec

from shared.formats.lenient_json import repaired
from shared.formats.named_numbers import held, released

Fields = dict[str, msgspec.Raw]

NULL = b"null"
"""Stands for what is no JSON."""

_EVENT_ID = re.compile(r"[0-9a-f]{32}")
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_raw = msgspec.json.Decoder(msgspec.Raw).decode
_text = msgspec.json.Decoder(str).decode
_fields = msgspec.json.Decoder(Fields).decode
_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


def cleaned(payload: bytes) -> bytes:
    """A payload as every reader takes it: U+FFFD for what is no UTF-8 and for lone surrogates, `"NaN"` for `NaN` and
    the like. `null` for what is no JSON."""
    if not payload.isascii():
        payload = payload.decode(errors="replace").encode()
    for text in (payload, released(held(repaired(payload)))):
        try:
            return bytes(_raw(text)).strip()
        except _REFUSED:
            continue
    return NULL


def fields(raw: msgspec.Raw | bytes | None) -> Fields:
    """The fields of an object, of equal keys the last; {} for anything else."""
    try:
        return _fields(raw) if raw else {}
    except _REFUSED:
        return {}


def array(raw: msgspec.Raw | None) -> list[bytes] | None:
    """The elements of an array; None for anything else."""
    try:
        return [bytes(each) for each in _array(raw)] if raw else None
    except _REFUSED:
        return None


def text(raw: msgspec.Raw | None) -> str:
    """A text; '' for anything else."""
    try:
        return _text(raw) if raw else ""
    except _REFUSED:
        return ""


def event_id_of(raw: msgspec.Raw | None) -> str:
    """An event's id, 32 hex digits in lower case without dashes; '' for what has not that form."""
    found = text(raw).replace("-", "").lower()
    return found if _EVENT_ID.fullmatch(found) else ""
