"""Payloads as every reader takes them (sentry.md, "Items")."""

import re
from contextlib import suppress

import msgspec

from shared.formats.lenient_json import repaired, valid_utf8
from shared.formats.named_numbers import held, released
from shared.formats.sentry.reading import NOTHING, text

_EVENT_ID = re.compile(r"[0-9a-f]{32}")
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_raw = msgspec.json.Decoder(msgspec.Raw).decode


def cleaned(payload: bytes) -> msgspec.Raw:
    """A payload with U+FFFD for what is no UTF-8 and for lone surrogates, and `"NaN"` for `NaN` and the like. `null`
    for what is no JSON."""
    payload = valid_utf8(payload)
    with suppress(*_REFUSED):
        return _raw(payload.strip())
    with suppress(*_REFUSED):
        return _raw(released(held(repaired(payload))).strip())
    return NOTHING


def event_id_of(raw: msgspec.Raw | None) -> str:
    """An event's id, 32 hex digits in lower case without dashes; '' for what has not that form."""
    found = text(raw).replace("-", "").lower()
    return found if _EVENT_ID.fullmatch(found) else ""
