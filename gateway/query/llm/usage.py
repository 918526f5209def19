"""What calls to models used, by anything that they have (reading.md, "Usage of models")."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.buckets import Width, parse_bucket
from gateway.query.dimensions import Dimension, parse_dimensions
from gateway.query.language import Condition, Cost
from gateway.query.listing import Listing
from gateway.query.llm.fields import LANGUAGE
from gateway.query.llm.figures import USED, Used
from gateway.query.parameters import Parameters
from gateway.query.place import decode_as, encode_place
from gateway.query.question import Question
from gateway.query.reader import Reader, Rows
from gateway.query.shape import Time
from gateway.query.source import Source
from gateway.query.stored import text_of
from gateway.query.times import format_time
from shared.signals.llm import SIGNAL

COLUMNS = {name: name for name in ("model", "provider", "operation", "service", "release", "environment")}
"""What calls are grouped by, beside attributes -> its expression."""

USUAL = (Dimension("model", "model"),)

MAX_DIMENSIONS = 3

MAX_GROUPS = 50
"""Of one answer: each may have hundreds of buckets."""

MAX_SKIPPED = 100_000


class LlmUsage(Listing, frozen=True, kw_only=True):
    """`total`: of all groups. The dearest groups come first, of equal ones those with most calls."""

    total: Used
    groups: list["UsedBy"]


class UsedBy(msgspec.Struct, frozen=True):
    """`key`: what the group has in common; null for calls without one. `buckets`: those that have calls, none where no
    `bucket` was asked for."""

    key: dict[str, str | None]
    used: Used
    buckets: list["UsedIn"]


class UsedIn(msgspec.Struct, frozen=True):
    """`time`: the bucket's first moment."""

    time: Time
    used: Used


class UsageQuery(msgspec.Struct, frozen=True):
    asked: Asked
    dimensions: tuple[Dimension, ...]
    bucket: Width | None
    limit: int
    skipped: int


class _Group(NamedTuple):
    key: tuple[str, ...]
    used: Used


def parse_usage(given: Parameters) -> UsageQuery:
    """Raises `BadQuery`."""
    asked = parse_asked(given, LANGUAGE)
    query = UsageQuery(
        asked=asked,
        dimensions=parse_dimensions(given, "group_by", COLUMNS, MAX_DIMENSIONS) or USUAL,
        bucket=parse_bucket(given, asked.range, usual=None),
        limit=given.integer("limit", 50, least=1, most=MAX_GROUPS),
        skipped=given.parsed("cursor", _skipped, "value_error", "a valid cursor") or 0,
    )
    given.finish()
    return query


async def find_usage(reader: Reader, project_id: str, query: UsageQuery) -> LlmUsage:
    """Raises `TooBig`, `Unavailable`."""
    source = Source.of(reader.database, SIGNAL.table.name, project_id, query.asked.conditions(LANGUAGE))
    total, found = await _groups(reader, source, query)
    shown = found[: query.limit]
    some = bool(query.skipped) or len(shown) < len(found)
    buckets = await _buckets(reader, source, query, [group.key for group in shown] if some else None)
    names = [dimension.name for dimension in query.dimensions]
    return LlmUsage(
        next=encode_place(query.skipped + len(shown)) if len(found) > len(shown) else None,
        total=total,
        groups=[
            UsedBy({name: value or None for name, value in zip(names, key, strict=True)}, used, buckets.get(key, []))
            for key, used in shown
        ],
    )


async def _groups(reader: Reader, source: Source, query: UsageQuery) -> tuple[Used, list[_Group]]:
    """What all calls used; the groups that are asked for, and one more. These can't be found by their cost, as calls
    are: sums of floating point numbers may differ from one time to the next."""
    key = _key(query.dimensions)
    return await source.read(
        reader,
        _totalled,
        f"{key.sql} AS call_key, {USED.select}",
        "GROUP BY call_key WITH TOTALS"
        " ORDER BY sum(cost_usd) DESC, count() DESC, call_key LIMIT %(rows)s OFFSET %(skipped)s",
        key.values | {"rows": query.limit + 1, "skipped": query.skipped},
    )


def _totalled(rows: Rows) -> tuple[Used, list[_Group]]:
    """The last row is that of the totals, also where it is the only one."""
    *groups, (_, *total) = rows
    return USED.row(total), [_Group(tuple(map(text_of, key)), USED.row(used)) for key, *used in groups]


async def _buckets(
    reader: Reader, source: Source, query: UsageQuery, keys: Sequence[tuple[str, ...]] | None
) -> dict[tuple[str, ...], list[UsedIn]]:
    """Of the groups of these keys, or of all: to look for keys costs more than all else."""
    if query.bucket is None or keys == []:
        return {}
    key = _key(query.dimensions)
    if keys is not None:
        source = source.narrowed(
            Condition(f"has(%(keys)s, {key.sql})", key.values | {"keys": list(map(list, keys))}, key.cost)
        )
    return await source.read(
        reader,
        _by_key,
        f"{key.sql} AS call_key, {query.bucket.sql('timestamp')} AS bucket, {USED.select}",
        "GROUP BY call_key, bucket ORDER BY call_key, bucket",
        key.values,
    )


def _by_key(rows: Rows) -> dict[tuple[str, ...], list[UsedIn]]:
    found: dict[tuple[str, ...], list[UsedIn]] = {}
    for values, bucket, *used in rows:
        group = found.setdefault(tuple(map(text_of, values)), [])
        group.append(UsedIn(format_time(bucket), USED.row(used)))
    return found


def _key(dimensions: Sequence[Dimension]) -> Condition:
    """The expression of a call's key, an array of texts, and its values."""
    values = {name: value for dimension in dimensions for name, value in dimension.values.items()}
    texts = ", ".join(f"CAST({dimension.sql} AS String)" for dimension in dimensions)
    return Condition(f"[{texts}]", values, max((dimension.cost for dimension in dimensions), default=Cost.COLUMNS))


def _skipped(text: str) -> int:
    """Raises ValueError."""
    return min(max(decode_as(int, text), 0), MAX_SKIPPED)


USAGE = Question(
    "/llm/usage",
    "What calls to models used",
    parse_usage,
    find_usage,
    LlmUsage,
    {
        "group_by": "What the calls are grouped by, one to three; `attr.<key>` is an attribute.",
        "bucket": "Also tell it by hour or by day, in UTC.",
    },
)
