"""The spans: one trace a request, and one trace of many spans."""

from dataclasses import replace

from deploy.bench.reading.data.made import Made, common, request_of
from deploy.bench.reading.data.sql import at, below, in_quotes, json, often, one_of
from deploy.bench.reading.data.week import WEEK_US, Week

WIDE = 1_000
"""Spans of the one large trace."""
_OPERATIONS = ("GET /api/orders", "POST /api/carts", "SELECT orders", "GET stock", "charge card", "render", "publish")
_ATTRIBUTES = json(
    {
        "http.status_code": often(3, "failed", "'500'", "'200'"),
        "db.system": in_quotes(one_of(("postgresql", "redis", "mysql"), "db")),
        "rows": f"toString({below(500, 'rows')})",
    }
)


def spans(week: Week) -> Made:
    """A trace a request. A span begins after its parent and ends about when that does."""
    return _traces(week.spans, request_of(week, week.spans), week, week.spans // max(week.requests, 1))


def wide_trace(week: Week) -> Made:
    """`WIDE` spans of the request in the middle of the week; they add to its own."""
    made = _traces(WIDE, str(week.middle), week, WIDE)
    return replace(made, columns={**made.columns, "trace_id": f"'{WIDE_TRACE}'"})


WIDE_TRACE = "wide-trace"


def _traces(rows: int, request: str, week: Week, a_trace: int) -> Made:
    """`a_trace`: spans of each."""
    step = f"(5 + {below(95, 'slow', 'request')}) * {24_000 // a_trace}"
    return Made(
        "spans",
        rows,
        named={
            "request": request,
            "place": f"number % {a_trace}",
            "step_us": step,
            "moment": f"toInt64({week.start} + request * {WEEK_US / max(week.requests, 1)!r} + place * step_us)",
        },
        columns={
            **common("traces"),
            "span_id": "lower(hex(cityHash64(request, place)))",
            "parent_span_id": "if(place = 0, '', lower(hex(cityHash64(request, intDiv(place - 1, 3)))))",
            "operation": at(below(len(_OPERATIONS), "operation"), _OPERATIONS),
            "duration_ms": f"intDiv(({a_trace} - place) * step_us, 1000)",
            "status": often(2, "status", "'error'", "'ok'"),
            "attributes": _ATTRIBUTES,
        },
    )
