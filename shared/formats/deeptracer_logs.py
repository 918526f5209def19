"""`POST /ingest/logs` (contracts.md, "DeepTracer API"): 1 to 1,000 logs a request, all stored or the request
refused."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from shared.formats.base import ABSENT, Columns, Format, JsonObject, Rows
from shared.formats.codec import JsonArray
from shared.formats.deeptracer import OptionalTime, Release
from shared.formats.intake import Batch, BatchFrame, Intake, Outcome
from shared.formats.levels import SEVERITY_NUMBERS
from shared.formats.users import text_of
from shared.formats.values import plain, raw_text, sent, times
from shared.formats.vercel_ids import without_regions


class Frame(BatchFrame, gc=False, kw_only=True):
    """The request."""

    logs: msgspec.Raw


class Log(msgspec.Struct, gc=False, kw_only=True):
    """One log entry. `vercel_id` is sent by the SDK and is not documented."""

    level: Literal["debug", "info", "warn", "error"]
    message: str
    timestamp: OptionalTime = None
    metadata: JsonObject = ABSENT
    trace_id: str = ""
    span_id: str = ""
    request_id: str = ""
    context: str = ""
    release: Release = ""
    vercel_id: msgspec.Raw = ABSENT


class _Metadata(msgspec.Struct, gc=False):
    user: Any = None


_decode_metadata = msgspec.json.Decoder(_Metadata, float_hook=float).decode


def columns(rows: Rows) -> Columns:
    log = sent(rows)
    metadata = raw_text(log["metadata"])
    user_id, user_email = _users(metadata)
    return {
        "timestamp": times(rows, log["timestamp"]),
        "release": [own or said for own, said in zip(log["release"], rows.release, strict=True)],
        "level": log["level"],
        "severity_number": list(map(SEVERITY_NUMBERS.__getitem__, log["level"])),
        **{name: log[name] for name in ("message", "trace_id", "span_id", "request_id")},
        "vercel_id": _vercel_ids(rows, log["vercel_id"]),
        "attributes": metadata,
        "logger_name": log["context"],
        "user_id": user_id,
        "user_email": user_email,
    }


def _vercel_ids(rows: Rows, sent: Sequence[msgspec.Raw]) -> Sequence[str]:
    """Without their regions, which only the row's `extra` keeps."""
    if sent.count(ABSENT) == len(sent):
        return ("",) * len(sent)
    ids = []
    for row, raw in enumerate(sent):
        whole = "" if raw is ABSENT else plain(raw)
        ids.append(without_regions(whole) if isinstance(whole, str) else "")
        if raw is not ABSENT and ids[row] != whole:
            rows.note(row, "vercel_id", raw)
    return ids


def _users(metadata: list[bytes]) -> tuple[list[str], list[str]]:
    """`metadata.user.id` and `.email`, where the SDK put a user (contracts.md, "The DeepTracer SDK")."""
    ids, emails = [""] * len(metadata), [""] * len(metadata)
    if b'"user"' not in b"".join(metadata):  # one look at all is quicker
        return ids, emails
    for row, text in enumerate(metadata):
        if b'"user"' in text and isinstance(user := _user(text), dict):
            ids[row], emails[row] = text_of(user.get("id")), text_of(user.get("email"))
    return ids, emails


def _user(metadata: bytes) -> Any:
    try:
        return _decode_metadata(metadata).user
    except msgspec.ValidationError:  # an integer of thousands of digits
        return None


def reply(outcome: Outcome) -> tuple[int, bytes]:
    return 200, b'{"ok":true,"count":%d}' % outcome.accepted


FORMAT = Format("deeptracer.logs", signal="logs", columns=columns, codec=JsonArray(Log))

INTAKE = Intake(
    routes=("/ingest/logs",),
    api="deeptracer",
    bodies={FORMAT.name: Batch(Frame, "logs", most=1000)},
    reply=reply,
    examples={
        "two_logs": {
            "service": "my-app",
            "environment": "production",
            "logs": [
                {"level": "info", "message": "User signed up", "metadata": {"userId": "u_123", "plan": "pro"}},
                {
                    "level": "error",
                    "message": "Payment failed",
                    "timestamp": "2026-02-23T00:00:00.000Z",
                    "metadata": {"orderId": "ord_456", "reason": "card_declined"},
                    "trace_id": "abc123def456",
                    "context": "billing",
                },
            ],
        }
    },
)
