"""One error of a group, as its page shows it (pages.md, "One error")."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from gateway.mapping.answers import Outcome
from gateway.query.deps import QueryDeps
from gateway.query.events.chain import JAVASCRIPT, shown, unmapped
from gateway.query.events.search import Event, find_event
from gateway.query.pages.by_path import MAX_ATTRIBUTES, by_path
from gateway.query.pages.error.breadcrumbs import Crumbs, crumbs_of
from gateway.query.pages.error.sent_lines import sent_lines
from gateway.query.pages.error.stack import Stack, stack_of
from gateway.query.place import Place
from gateway.query.times import parse_time

MAX_STACK = 20_000
"""Characters of a stack as it was sent."""

_FIELDS = (
    *("event_id", "severity", "level", "service", "environment", "release", "trace_id", "user_id", "user_email"),
    *("account_id", "account_name", "session_id", "window_id", "digest", "vercel_id", "url", "user_agent", "platform"),
    *("format", "received_at"),
)
_OBJECTS = ("user", "account", "extra")


@dataclass(frozen=True)
class ShownEvent:
    """`time`: microseconds. `fields`, `attributes`: name and value; of attributes the first 300, by their path."""

    columns: Mapping[str, Any]
    time: int
    place: Place
    fingerprint: str
    stack: Stack
    crumbs: Crumbs
    fields: list[tuple[str, str]]
    attributes: list[tuple[str, str]]


async def shown_event(deps: QueryDeps, project_id: str, event_id: str) -> ShownEvent:
    """Raises `EventNotFound`, `Unavailable`."""
    event = await find_event(deps.reader, project_id, event_id)
    outcomes = unmapped(event.chain)
    if event.chain.language == JAVASCRIPT:
        outcomes = await deps.mapper.map(event.wanted, event.chain.places)
    return await asyncio.to_thread(_shown, event, outcomes)


def _shown(event: Event, outcomes: Sequence[Sequence[Outcome]]) -> ShownEvent:
    columns = msgspec.json.decode(b"{" + event.columns + b"}")
    time, place = parse_time(columns["timestamp"]), columns["place"]
    errors, sent = shown(event.chain, outcomes), str(columns["stack_trace"])[:MAX_STACK]
    return ShownEvent(
        columns=columns,
        time=time,
        place=Place(
            time,
            parse_time(columns["received_at"]),
            place["partition"],
            place["offset"],
            place["index"],
            place["topic"],
        ),
        fingerprint=event.fingerprint,
        stack=stack_of(
            event.chain.language, errors, sent, kind=columns["type"], lines=sent_lines(columns["attributes"])
        ),
        crumbs=crumbs_of(columns["breadcrumbs"], time),
        fields=[(name, str(columns[name])) for name in _FIELDS if columns[name]]
        + [(name, _text(columns[name])) for name in _OBJECTS if columns[name]],
        attributes=_attributes(columns["attributes"]),
    )


def _attributes(stored: Any) -> list[tuple[str, str]]:
    found = islice(by_path(stored), MAX_ATTRIBUTES) if isinstance(stored, dict) else ()
    return [(path, each if isinstance(each, str) else _text(each)) for path, each in found]


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
