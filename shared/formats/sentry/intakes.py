"""`POST /api/{n}/envelope/` and the older `/store/` (sentry.md, "Routes")."""

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.formats.base import Format
from shared.formats.codec import JsonArray
from shared.formats.intake import Intake, Picked
from shared.formats.sentry import errors, llm, logs, picking, spans, transactions
from shared.formats.sentry.picking import pick
from shared.formats.sentry.replies import reply
from shared.formats.sentry.store import is_large_once_unpacked, is_packed, pick_stored

_LIGHT_BYTES = 16_000
"""A body of no more than this is never heavy."""
_HEAVY = 5_000
"""Objects and arrays in a body of at most 256 kB; usual ones have some hundred."""
_MANY_FIELDS = 16_000
_MANY_VALUES = 6_000
_MANY_TIMES = 1_500
"""Each record has one or two."""
_MANY_ODD = 500
"""Places that may have to be mended one by one."""

_encode = msgspec.json.Encoder().encode

_EVENT: Mapping[str, Any] = {
    "event_id": "9ec79c33ec9942ab8353589fcb2e04dc",
    "timestamp": "2026-01-01T12:00:00Z",
    "level": "error",
    "platform": "python",
    "exception": {"values": [{"type": "ValueError", "value": "bad order"}]},
}


def is_heavy(body: bytes) -> bool:
    """Whether to pick the records of a body and to judge them may take more than a few milliseconds."""
    if body.count(b"{") + body.count(b"[") > _HEAVY or body.count(b":") > _MANY_FIELDS:
        return True
    if body.count(b",") > _MANY_VALUES or body.count(b"timestamp") > _MANY_TIMES:
        return True
    return sum(map(body.count, (b"NaN", b"Infinity", b"\\ud", b"\\uD"))) > _MANY_ODD


def is_heavy_stored(body: bytes) -> bool:
    """The same for one of any size that may be packed."""
    if is_packed(body):
        return is_large_once_unpacked(body, _LIGHT_BYTES)
    return len(body) > _LIGHT_BYTES and is_heavy(body)


NOT_STORED = Format(picking.ITEMS, signal="sentry", columns=None, codec=JsonArray(msgspec.Raw))

_BODIES = {
    errors.FORMAT.name: Picked(),
    transactions.FORMAT.name: Picked(derivations=(llm.IN_SPANS,)),
    spans.FORMAT.name: Picked(derivations=(llm.IN_SPANS,)),
    logs.FORMAT.name: Picked(),
    NOT_STORED.name: Picked(),
}

ENVELOPE = Intake(
    routes=("/api/{sentry_project:digits}/envelope",),
    api="sentry",
    bodies=_BODIES,
    reply=reply,
    unwrap=lambda body, content_type: pick(body),
    is_heavy=is_heavy,
    kind="sentry",
    operation="sentry_envelope",
    media_types=("application/x-sentry-envelope",),
    examples={"an_event": b'{"event_id":"%b"}\n{"type":"event"}\n%b' % (_EVENT["event_id"].encode(), _encode(_EVENT))},
)

STORE = Intake(
    routes=("/api/store", "/api/{sentry_project:digits}/store"),
    api="sentry",
    bodies=_BODIES,
    reply=reply,
    unwrap=pick_stored,
    is_heavy=is_heavy_stored,
    is_packed=True,
    kind="sentry",
    operation="sentry_store",
    media_types=("application/json",),
    examples={"an_event": _EVENT},
)
