"""The page itself: everything about a range, and the state of the lanes now (pages.md, "Ingest")."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.query.asked import Asked
from gateway.query.buckets import DAY, HOUR
from gateway.query.complete import Complete
from gateway.query.delivery.shapes import DeliveryAnswer, LaneAnswer
from gateway.query.delivery.state import find_delivery
from gateway.query.pages.chart import MIN_HATCH, Chart, histogram
from gateway.query.pages.empty import empty
from gateway.query.pages.ingest.limits import limited
from gateway.query.pages.ingest.refusals import refusals_of
from gateway.query.pages.ingest.signals import fresh_rows, most_common, signal_rows
from gateway.query.pages.page import Page
from gateway.query.pages.picker import Picker
from gateway.query.pages.view import KEPT, RANGE, View
from gateway.query.parameters import Parameters
from gateway.query.range import parse_range
from gateway.query.times import parse_time
from gateway.query.together import together
from gateway.query.usage.answer import find_counts
from gateway.query.usage.counted import Counted
from gateway.query.usage.query import UsageQuery
from gateway.query.usage.records import Usage, find_usage

USUAL_LAST = "24h"

BY_HOUR_S = 7 * 86_400
"""A longer range is counted by day."""

LANE_S = 60.0
"""How much of the past a lane's bar shows."""


class LaneRow(NamedTuple):
    """`written`: how much of the bar is written, percent."""

    lane: LaneAnswer
    up_to: int
    written: float


async def _find(view: View) -> Mapping[str, Any]:
    query, picker = _asked(view)
    deps, project_id = view.deps, view.project.project_id
    complete = await deps.complete_of(())
    usage, counts, delivery = await together(
        find_usage(deps.stores, deps.reader, project_id, query),
        find_counts(deps.counting, project_id, query),
        find_delivery(deps, project_id),
    )
    total = sum(usage.total.values())
    fresh = fresh_rows(usage, counts.freshness) if counts.freshness else []
    return {
        "picker": picker,
        "badge": view.badge(complete),
        "by": query.width.name,
        "total": total,
        "times": [parse_time(bucket.time) for bucket in usage.buckets],
        "chart": _chart(usage, counts.counted, query, complete) if total or _came(counts.counted) else None,
        "counts": counts,
        "accepted": _came(counts.counted),
        "since": _since(counts.counted, query),
        "signals": signal_rows(usage, counts, deps.counting.stored_as if deps.counting else _alone(deps.stores)),
        "refusals": refusals_of(counts.counted, query) if counts.counted else None,
        "fresh": fresh,
        "fresh_most": most_common(fresh),
        "limited": await limited(view, counts.limits) if counts.limits else None,
        **_lanes(delivery),
        "letters": _letters(delivery),
        "audit": _audit(query),
        "empty": None if total else await empty(view, "records", picker.range, complete, filtered=False),
    }


def _lanes(delivery: DeliveryAnswer) -> Mapping[str, Any]:
    lanes = [_lane_row(each) for each in delivery.lanes or ()]
    return {
        "delivery": delivery,
        "lanes": lanes,
        "lost": [row for row in lanes if row.lane.lost],
        "behind": max(lanes, key=lambda row: row.lane.lag_seconds, default=None),
        "waiting": sum(row.lane.lag_messages for row in lanes),
    }


def _alone(stores: Mapping[str, str]) -> Mapping[str, str]:
    """Each signal by itself."""
    return {signal: signal for signal in stores}


def _came(counted: Counted | None) -> int:
    """Records that gateways have accepted, and those that followed from them."""
    return sum(counted.accepted.values()) + sum(counted.derived.values()) if counted else 0


def _since(counted: Counted | None, query: UsageQuery) -> int | None:
    """From when on is counted, where that is later than the range begins."""
    if counted is None or counted.since is None:
        return None
    since = parse_time(counted.since)
    return since if since > query.asked.range.start else None


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


def _chart(usage: Usage, counted: Counted | None, query: UsageQuery, complete: Complete) -> Chart:
    """What is stored as bars, what was accepted as a line."""
    counts = {parse_time(bucket.time): {"bar": sum(bucket.records.values())} for bucket in usage.buckets}
    for each in counted.buckets if counted else ():
        counts[parse_time(each.time)]["ink"] = sum(each.accepted.values()) + sum(each.derived.values())
    stored = list(counts.items())
    return histogram(query.asked.range, stored, ["bar"], bucket_us=query.width.us, complete=complete.up_to, level="ink")


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
