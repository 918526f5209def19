"""The item `event`: an exception or a message (sentry-rows.md, "Errors")."""

from typing import Any

import msgspec

from shared.fingerprint import fingerprint
from shared.formats.base import Columns, Format, Rows
from shared.formats.codec import JsonArray
from shared.formats.digests import digests
from shared.formats.levels import level_of
from shared.formats.sentry.event import NEEDED, USER_IDS, Event, event_of
from shared.formats.sentry.reading import fields, moments, text
from shared.formats.sentry.tags import said
from shared.formats.users import People
from shared.formats.vercel_ids import vercel_ids

_SEVERITY = {"fatal": "critical", "error": "high", "warn": "medium"}
_AS_SENT = ("level", "platform", "release", "trace_id", "span_id", "breadcrumbs", "attributes")

_users = People("user", USER_IDS)
_encode = msgspec.json.Encoder().encode


def judge(sent: msgspec.Raw) -> str:
    """Why an event can't be stored, in one word; '' for a good one."""
    event = fields(sent)
    if not event:
        return "not_an_object"
    has_any = any(name in event and bytes(event[name]) != b"null" for name in NEEDED)
    return "" if has_any else "missing_exception"


def columns(rows: Rows) -> Columns:
    events = list(map(event_of, rows.records, rows.event_id))
    messages, stacks = [each.message for each in events], [each.stack for each in events]
    prints = [
        fingerprint(version, *each.printed, rules, each.release, each.said)
        for version, each, rules in zip(rows.fingerprint_version, events, rows.rules, strict=True)
    ]
    requests = [_encode(each.request) for each in events]
    made: dict[str, list[Any]] = {name: [getattr(each, name) for each in events] for name in _AS_SENT}
    return {
        **made,
        "timestamp": moments(rows, [each.timestamp for each in events]),
        "environment": [each.environment or "production" for each in events],
        "service": [each.service or stamped for each, stamped in zip(events, rows.service, strict=True)],
        "event_id": rows.event_id,
        "fingerprint": [each.hash for each in prints],
        "fingerprint_version": rows.fingerprint_version,
        "fingerprint_parts": [each.parts for each in prints],
        "type": [each.type for each in events],
        "error_message": messages,
        "stack_trace": stacks,
        "severity": [_SEVERITY.get(level_of(each.level) or "", "low") for each in events],
        "digest": digests(messages, stacks, made["attributes"]),
        "vercel_id": vercel_ids(messages, requests),
        "handled": [int(each.handled) for each in events],
        "url": [text(each.request.get("url")) for each in events],
        "user_agent": [_user_agent(each) for each in events],
        **_users.columns([each.user for each in events]),
    }


def _user_agent(event: Event) -> str:
    return said(event.request.get("headers"), "user-agent")


FORMAT = Format("sentry.errors", signal="errors", columns=columns, codec=JsonArray(msgspec.Raw))
