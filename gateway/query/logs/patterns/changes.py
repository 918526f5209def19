"""How the patterns of a range differ from those of a baseline (reading.md, "Changes")."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, get_args

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.logs.fields import LANGUAGE
from gateway.query.logs.patterns.covered import Covered, covered_of
from gateway.query.logs.patterns.examples import examples_of
from gateway.query.logs.patterns.query import query_for
from gateway.query.logs.patterns.seen import Seen, found_of
from gateway.query.logs.patterns.union import Counting, union
from gateway.query.parameters import Parameters
from gateway.query.question import Question, RangeShown
from gateway.query.range import Range
from gateway.query.reader import Reader, Rows
from gateway.query.shape import Time
from gateway.query.times import clamp, format_time, parse_time

FACTOR = 3
"""What is so many times as frequent, or as rare, has changed."""

MAX_LIMIT = 200

Kind = Literal["new", "gone", "up", "down"]


class Change(msgspec.Struct, frozen=True):
    """`count`, `baseline_count`: its logs in what is counted of the range and of the baseline. `factor`: how many times
    as frequent it is; null for a new one. `first_seen`, `last_seen`: in both. `example`: the newest message."""

    pattern: str
    change: Kind
    count: int
    baseline_count: int
    factor: float | None
    levels: list[str]
    first_seen: Time
    last_seen: Time
    folded: int
    example: str | None
    q: str | None


class Changes(msgspec.Struct, frozen=True):
    """`counted`, `baseline_counted`: the parts of the range and of the baseline that are counted. `distinct`: patterns
    of both before they are folded; of them the first 2,000 are looked at. `found`: how many changes there are."""

    baseline: RangeShown
    counted: RangeShown
    baseline_counted: RangeShown
    distinct: int
    found: int
    changes: list[Change]


class ChangesQuery(msgspec.Struct, frozen=True):
    asked: Asked
    baseline: Range
    kinds: tuple[Kind, ...]
    limit: int


class _Changed(NamedTuple):
    changed: list[tuple[Kind, Seen]]
    distinct: int


def parse_changes(given: Parameters) -> ChangesQuery:
    """Raises `BadQuery`."""
    asked = parse_asked(given, LANGUAGE)
    text = given.text("baseline") or "previous"
    named = given.words("change", get_args(Kind))
    query = ChangesQuery(
        asked=asked,
        baseline=_previous(asked.range) if text == "previous" else _baseline(given, asked.range),
        kinds=tuple(kind for kind in get_args(Kind) if not named or kind in named),
        limit=given.integer("limit", 50, least=1, most=MAX_LIMIT),
    )
    given.finish()
    return query


def _baseline(given: Parameters, range: Range) -> Range:
    found = given.parsed("baseline", _range, "value_error", "previous, or two times with / between them")
    return found or _previous(range)


def _range(text: str) -> Range:
    """Raises ValueError."""
    start, slash, end = text.partition("/")
    if not slash:
        raise ValueError("write it as 2025-01-14/2025-01-15")
    found = Range(parse_time(start), parse_time(end, whole_day=True))
    if found.start > found.end:
        raise ValueError("it ends before it begins")
    return found


def _previous(range: Range) -> Range:
    """As long, and right before."""
    end = clamp(range.start - 1)
    return Range(clamp(end - (range.end - range.start)), end)


async def find_changes(reader: Reader, project_id: str, query: ChangesQuery) -> Changes:
    """Raises `TooBig`, `Unavailable`."""
    before = replace(query.asked, range=query.baseline)
    counted = await covered_of(reader, project_id, query.asked)
    base = await covered_of(reader, project_id, before)
    longer = _length(counted) / _length(base)
    of = union(reader, project_id, [Counting(query.asked, counted, "0"), Counting(before, base, "1")])
    found = await of.read(reader, lambda rows: _found(rows, longer, query.kinds), 2, _changed_first(longer))
    shown = found.changed[: query.limit]
    examples = await _examples(reader, project_id, (query.asked, before), [seen for _, seen in shown])
    return Changes(
        baseline=_shown(query.baseline),
        counted=_shown(counted.range),
        baseline_counted=_shown(base.range),
        distinct=found.distinct,
        found=len(found.changed),
        changes=[_change(kind, seen, longer, examples.get(seen.key)) for kind, seen in shown],
    )


def _changed_first(longer: float) -> str:
    """The order in which patterns are looked at: those that have changed, of them the most frequent."""
    count, expected = "slots[1]", f"slots[2] * {longer}"
    return f"{count} < {FACTOR} * {expected} AND {expected} < {FACTOR} * {count}, count DESC"


async def _examples(
    reader: Reader, project_id: str, asked: tuple[Asked, Asked], seen: Sequence[Seen]
) -> dict[int, str]:
    """A pattern's newest log is in the range if that has it, else in the baseline."""
    found: dict[int, str] = {}
    for each in asked:
        newest = {one.key: one.last for one in seen if each.range.start <= one.last <= each.range.end}
        found = await examples_of(reader, project_id, each, newest) | found
    return found


def _found(rows: Rows, longer: float, kinds: Sequence[Kind]) -> _Changed:
    found = found_of(rows)
    changed = [(kind, each) for each in found.seen if (kind := _kind(each, longer)) in kinds and kind is not None]
    changed.sort(key=lambda pair: (-abs(pair[1].slots[0] - pair[1].slots[1] * longer), pair[1].pattern))
    return _Changed(changed, found.distinct)


def _kind(seen: Seen, longer: float) -> Kind | None:
    """How a pattern has changed; None where it has not. `longer`: how many times as long the range is."""
    count, expected = seen.slots[0], seen.slots[1] * longer
    if not expected:
        return "new"
    if not count:
        return "gone"
    if count >= FACTOR * expected:
        return "up"
    return "down" if expected >= FACTOR * count else None


def _change(kind: Kind, seen: Seen, longer: float, example: str | None) -> Change:
    count, baseline = seen.slots
    return Change(
        pattern=seen.pattern,
        change=kind,
        count=count,
        baseline_count=baseline,
        factor=count / (baseline * longer) if baseline else None,
        levels=seen.levels,
        first_seen=format_time(seen.first),
        last_seen=format_time(seen.last),
        folded=seen.folded,
        example=example,
        q=query_for(seen.pattern, seen.folded),
    )


def _shown(range: Range) -> RangeShown:
    return RangeShown(format_time(range.start), format_time(range.end))


def _length(counted: Covered) -> int:
    return counted.range.end - counted.range.start + 1


CHANGES = Question(
    "/logs/changes",
    "Patterns of logs that are new, gone, or much more or less frequent",
    parse_changes,
    find_changes,
    Changes,
    {
        "baseline": "What the range is compared with: `previous` (the usual one) is as long and lies right before it;"
        " or `<start>/<end>`.",
        "change": "Only these changes.",
    },
)
