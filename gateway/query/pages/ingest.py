"""The page Ingest: what is stored of each signal over time, how far the writers are, dead letters (pages.md,
"Ingest")."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.query.asked import Asked
from gateway.query.buckets import DAY, HOUR
from gateway.query.complete import Complete
from gateway.query.delivery.shapes import DeliveryAnswer, LaneAnswer
from gateway.query.delivery.state import find_delivery
from gateway.query.pages.chart import MIN_HATCH, Bar, Chart, histogram, spark
from gateway.query.pages.empty import empty
from gateway.query.pages.page import Page
from gateway.query.pages.picker import Picker
from gateway.query.pages.view import KEPT, RANGE, View
from gateway.query.parameters import Parameters
from gateway.query.range import parse_range
from gateway.query.times import parse_time
from gateway.query.usage.query import UsageQuery
from gateway.query.usage.records import Usage, find_usage

USUAL_LAST = "24h"

BY_HOUR_S = 7 * 86_400
"""A longer range is counted by day."""

LANE_S = 60.0
"""How much of the past a lane's bar shows."""

NAMES = {"llm": "calls to models", "traces": "spans"}
"""Signals whose records are called otherwise."""


class SignalRow(NamedTuple):
    """`counts`: of each bucket."""

    name: str
    total: int
    counts: list[int]
    bars: list[Bar]


class LaneRow(NamedTuple):
    """`written`: how much of the bar is written, percent."""

    lane: LaneAnswer
    up_to: int
    written: float


async def _find(view: View) -> Mapping[str, Any]:
    query, picker = _asked(view)
    project_id = view.project.project_id
    complete = await view.deps.complete_of(())
    usage, delivery = await asyncio.gather(
        find_usage(view.deps.stores, view.deps.reader, project_id, query), find_delivery(view.deps, project_id)
    )
    lanes = [_lane_row(each) for each in delivery.lanes or ()]
    total = sum(usage.total.values())
    return {
        "picker": picker,
        "badge": view.badge(complete),
        "by": query.width.name,
        "total": total,
        "chart": _chart(usage, query, complete) if total else None,
        "signals": _signal_rows(view, usage),
        "times": [parse_time(bucket.time) for bucket in usage.buckets],
        "delivery": delivery,
        "lanes": lanes,
        "lost": [row for row in lanes if row.lane.lost],
        "behind": max(lanes, key=lambda row: row.lane.lag_seconds, default=None),
        "waiting": sum(row.lane.lag_messages for row in lanes),
        "letters": _letters(delivery),
        "audit": _audit(query),
        "empty": None if total else await empty(view, "records", picker.range, complete, filtered=False),
    }


def _asked(view: View) -> tuple[UsageQuery, Picker]:
    """The range is a day, where none is named. Raises `BadQuery`."""
    given = view.request.query_params
    last = given.get("last") or (None if any(given.get(name) for name in RANGE) else USUAL_LAST)
    others = [(name, value) for name, value in given.multi_items() if name not in ("theme", "last")]
    items = [*others, *([("last", last)] if last else [])]
    asked = Parameters(items)
    range = parse_range(asked, view.now)
    width = HOUR if range.seconds <= BY_HOUR_S else DAY
    if range.seconds > width.most_days * 86_400:
        asked.refuse("start_time", "value_error", f"Value error, for a range of at most {width.most_days} days", "")
    for name in KEPT:  # those that links bring along from other pages
        asked.text(name)
    asked.finish()
    return UsageQuery(Asked(width.whole(range)), width), Picker(range, last, view.now, view.url)


def _chart(usage: Usage, query: UsageQuery, complete: Complete) -> Chart:
    counts = [(parse_time(bucket.time), {"bar": sum(bucket.records.values())}) for bucket in usage.buckets]
    return histogram(query.asked.range, counts, ["bar"], bucket_us=query.width.us, complete=complete.up_to)


def _signal_rows(view: View, usage: Usage) -> list[SignalRow]:
    rows = []
    for signal in view.deps.stores:
        counts = [bucket.records.get(signal, 0) for bucket in usage.buckets]
        rows.append(SignalRow(NAMES.get(signal, signal), usage.total.get(signal, 0), counts, spark(counts)))
    return rows


def _lane_row(lane: LaneAnswer) -> LaneRow:
    behind = min(lane.lag_seconds, LANE_S) / LANE_S * 100
    if lane.lag_messages:
        behind = max(behind, MIN_HATCH)
    return LaneRow(lane, parse_time(lane.complete_up_to), round(100 - behind, 2))


def _letters(delivery: DeliveryAnswer) -> int:
    return sum(each.count for each in delivery.dead_letters.open) if delivery.dead_letters else 0


def _audit(query: UsageQuery) -> str:
    """The command that proves the range."""
    ends = Picker.ends(*query.asked.range)
    return f"sluice audit --from {ends['start_time']} --to {ends['end_time']}"


INGEST = Page("ingest", "ingest.html", _find, title="Ingest", key="i", for_agents=True)
