"""`POST /ingest/errors` (contracts.md, "DeepTracer API"): one error; the answer carries its fingerprint."""

from typing import Annotated, Literal

import msgspec

from shared.fingerprint import fingerprint
from shared.formats.base import ABSENT, Columns, Format, JsonObject, Rows, checked_as
from shared.formats.codec import JsonArray
from shared.formats.deeptracer import Release, common_columns
from shared.formats.digests import digests
from shared.formats.intake import Intake, One, Outcome, Printed
from shared.formats.values import raw_text, sent
from shared.formats.vercel_ids import vercel_ids


class Breadcrumb(msgspec.Struct, gc=False):
    """One action that led to the error. Its timestamp is any string."""

    type: str
    message: str
    timestamp: str


class Error(msgspec.Struct, gc=False, kw_only=True):
    """The request, which is the record."""

    service: str = "unknown"
    environment: str = "production"
    error_message: str
    stack_trace: str
    severity: Literal["low", "medium", "high", "critical"] = "medium"
    context: JsonObject = ABSENT
    trace_id: str = ""
    user_id: str = ""
    release: Release = ""
    breadcrumbs: Annotated[msgspec.Raw, checked_as(list[Breadcrumb])] = ABSENT


def columns(rows: Rows) -> Columns:
    error = sent(rows)
    contexts = raw_text(error["context"])
    said = (error[name] for name in ("error_message", "stack_trace"))
    prints = list(map(fingerprint, rows.fingerprint_version, *said, rows.rules, error["release"]))
    return {
        **common_columns(error),
        "timestamp": rows.received_at,
        "event_id": rows.event_id,
        "fingerprint": [made.hash for made in prints],
        "fingerprint_version": rows.fingerprint_version,
        "fingerprint_parts": [made.parts for made in prints],
        "type": [made.type for made in prints],
        **{name: error[name] for name in ("error_message", "stack_trace", "severity", "trace_id", "user_id")},
        "digest": digests(error["error_message"], error["stack_trace"], contexts),
        "vercel_id": vercel_ids(error["error_message"], contexts),
        "attributes": contexts,
        "breadcrumbs": raw_text(error["breadcrumbs"]),
    }


def reply(outcome: Outcome) -> tuple[int, bytes]:
    return 200, b'{"ok":true,"fingerprint":"%s"}' % outcome.fingerprints[0].encode()


def fingerprinted(record: Error) -> Printed:
    return Printed(record.error_message, record.stack_trace, record.release or "")  # UNSET where it was not sent


FORMAT = Format("deeptracer.errors", signal="errors", columns=columns, codec=JsonArray(Error))

INTAKE = Intake(
    routes=("/ingest/errors",),
    api="deeptracer",
    bodies={FORMAT.name: One(fingerprinted=fingerprinted)},
    reply=reply,
    examples={
        "type_error": {
            "service": "my-app",
            "environment": "production",
            "error_message": "Cannot read properties of undefined (reading 'id')",
            "stack_trace": "TypeError: Cannot read properties of undefined\n at getUser (/app/src/users.ts:42:15)\n"
            " at handler (/app/src/api/route.ts:10:3)",
            "severity": "high",
            "context": {"userId": "u_123", "route": "/api/users"},
            "breadcrumbs": [{"type": "http", "message": "GET /api/users", "timestamp": "2026-02-23T00:00:00.000Z"}],
        }
    },
)
