"""The patterns of logs, each with its numbers (reading.md, "Patterns")."""

from collections.abc import Callable, Mapping

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.listing import Listing
from gateway.query.logs.fields import LANGUAGE
from gateway.query.logs.patterns.covered import covered_of
from gateway.query.logs.patterns.examples import examples_of
from gateway.query.logs.patterns.query import query_for
from gateway.query.logs.patterns.seen import Found, Seen, found_of
from gateway.query.logs.patterns.trend import trend_of
from gateway.query.logs.patterns.union import MAX_PATTERNS, Counting, union
from gateway.query.parameters import Parameters
from gateway.query.place import decode_as, encode_place
from gateway.query.question import Question, RangeShown
from gateway.query.reader import Reader, Rows
from gateway.query.shape import Time
from gateway.query.times import format_time

MAX_LIMIT = 200

_RANKS: Mapping[str, Callable[[Seen], int]] = {
    "count": lambda seen: seen.count,
    "new": lambda seen: seen.first,
    "last": lambda seen: seen.last,
}
_ORDERS = {"count": "count", "new": "first_seen", "last": "last_seen"}
"""What comes first has most of it."""


class Pattern(msgspec.Struct, frozen=True):
    """`share`: of all logs that are counted. `trend`: its logs in each part. `folded`: how many patterns of the column
    it stands for. `example`: its newest message. `q`: a query that finds it; of a folded one it may find more."""

    pattern: str
    count: int
    share: float
    levels: list[str]
    first_seen: Time
    last_seen: Time
    trend: list[int]
    folded: int
    example: str | None
    q: str | None


class Patterns(Listing, frozen=True, kw_only=True):
    """`counted`: the part of the range that is counted. `trend_s`: seconds of a part of the trend; `by_hour`: an hour
    belongs to the part in which it ends. `total`: logs; `distinct`: patterns before they are folded; `beyond`: logs of
    the patterns behind the first 2,000, which are not shown."""

    counted: RangeShown
    by_hour: bool
    trend_s: float
    total: int
    distinct: int
    beyond: int
    patterns: list[Pattern]


class PatternsQuery(msgspec.Struct, frozen=True):
    asked: Asked
    sort: str
    limit: int
    skipped: int


def parse_patterns(given: Parameters) -> PatternsQuery:
    """Raises `BadQuery`."""
    query = PatternsQuery(
        asked=parse_asked(given, LANGUAGE),
        sort=given.choice("sort", _ORDERS, "count"),
        limit=given.integer("limit", 50, least=1, most=MAX_LIMIT),
        skipped=given.parsed("cursor", _skipped, "value_error", "a valid cursor") or 0,
    )
    given.finish()
    return query


async def find_patterns(reader: Reader, project_id: str, query: PatternsQuery) -> Patterns:
    """Raises `TooBig`, `Unavailable`."""
    counted = await covered_of(reader, project_id, query.asked)
    trend = trend_of(counted)
    of = union(reader, project_id, [Counting(query.asked, counted, trend.part)])
    found = await of.read(reader, lambda rows: _found(rows, query.sort), trend.parts, f"{_ORDERS[query.sort]} DESC")
    end = query.skipped + query.limit
    shown = found.seen[query.skipped : end]
    examples = await examples_of(reader, project_id, query.asked, {each.key: each.last for each in shown})
    return Patterns(
        next=encode_place(end) if end < len(found.seen) else None,
        counted=RangeShown(*map(format_time, counted.range)),
        by_hour=counted.hourly,
        trend_s=trend.width / 1_000_000,
        total=found.total,
        distinct=found.distinct,
        beyond=found.beyond,
        patterns=[_shown(each, found.total, examples.get(each.key)) for each in shown],
    )


def _found(rows: Rows, sort: str) -> Found:
    """In order: what was folded has other numbers than its parts."""
    found = found_of(rows)
    found.seen.sort(key=lambda seen: (-_RANKS[sort](seen), seen.pattern))
    return found


def _shown(seen: Seen, total: int, example: str | None) -> Pattern:
    return Pattern(
        pattern=seen.pattern,
        count=seen.count,
        share=seen.count / total,
        levels=seen.levels,
        first_seen=format_time(seen.first),
        last_seen=format_time(seen.last),
        trend=seen.slots,
        folded=seen.folded,
        example=example,
        q=query_for(seen.pattern, seen.folded),
    )


def _skipped(text: str) -> int:
    """Raises ValueError."""
    return min(max(decode_as(int, text), 0), MAX_PATTERNS)


PATTERNS = Question("/logs/patterns", "The patterns of logs", parse_patterns, find_patterns, Patterns)
