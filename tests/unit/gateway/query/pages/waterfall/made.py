"""Traces, made up."""

from typing import Any

from gateway.query.shape import NO_JSON
from gateway.query.traces.beside import Beside, Short
from gateway.query.traces.detail import Trace
from gateway.query.traces.spans import Span

BEGAN = "2026-01-15T12:00:00.000Z"
NOTHING = Beside(Short(0, []), Short(0, []), Short(0, []))


def span(
    operation: str = "work",
    parent: int | None = None,
    at: tuple[int, int] = (0, 10_000),
    depth: int = 0,
    service: str | None = "api",
    **more: Any,
) -> Span:
    """`at`: start and duration, microseconds."""
    usual: dict[str, Any] = {
        "span_id": "",
        "parent_span_id": None,
        "environment": None,
        "release": None,
        "status": "ok",
        "start": BEGAN,
        "self_us": at[1],
        "critical_us": None,
        "skew_us": 0,
        "orphan": False,
        "in_circle": False,
        "repeated": False,
        **dict.fromkeys(("kind", "status_message", "scope_name", "user_id", "session_id", "resource")),
        **dict.fromkeys(("attributes", "events", "links"), NO_JSON),
    }
    named = {"parent": parent, "depth": depth, "operation": operation, "service": service}
    values = usual | named | {"start_us": at[0], "duration_us": at[1]} | more
    return Span(**values)


def tree(*parents: int | None, operation: str = "work") -> list[Span]:
    """Spans by the places of their parents."""
    spans: list[Span] = []
    for parent in parents:
        depth = 0 if parent is None else spans[parent].depth + 1
        spans.append(span(operation, parent, depth=depth))
    return spans


def trace(spans: list[Span], beside: Beside = NOTHING) -> Trace:
    lasts = max(each.start_us + each.duration_us for each in spans)
    return Trace("t", BEGAN, BEGAN, lasts, len(spans), 0, beside, [], spans)
