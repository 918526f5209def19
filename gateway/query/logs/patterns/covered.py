"""Which logs of a range are counted by their patterns, and how: whole hours from `patterns_by_hour`, the rest row by
row (reading.md, "Patterns")."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.query.asked import Asked
from gateway.query.language import EVERYTHING, Condition, Cost, Node, condition
from gateway.query.language.nodes import And, Not, Or, Term
from gateway.query.logs.counts import counts_of
from gateway.query.logs.fields import FIELDS, PATTERN
from gateway.query.logs.plan import plan_search
from gateway.query.logs.rollup import whole_buckets
from gateway.query.range import Range, within
from gateway.query.reader import Reader
from gateway.query.source import Source
from shared.signals.logs import LOGS

MAX_ROWS = 2_000_000
"""Most rows that one answer folds."""

HOURLY_ROWS = 300_000
"""A range that holds more is counted by whole hours, where that can be."""

HOUR_US = 3_600_000_000
HOUR = "toStartOfHour(timestamp)"
LAST_OF_HOUR = f"toUnixTimestamp({HOUR}) * 1000000 + {HOUR_US - 1}"
"""Its last microsecond since the epoch."""

_ROLLED_UP = {"level", PATTERN}


@dataclass(frozen=True)
class Part:
    """Logs of a range that are counted alike. With `hourly` it is made of whole hours, and the rollup counts them."""

    range: Range
    hourly: bool

    def source(self, reader: Reader, project_id: str, asked: Asked, name: str) -> Source:
        """The logs of this part that are asked for. `name` begins the names of its values."""
        asked_for = [] if asked.q == EVERYTHING else [condition(asked.q, FIELDS)]
        bounds = [self._hours(name)] if self.hourly else within(*self.range, name, beside=asked_for)
        return Source.of(reader.database, LOGS.name, project_id, [*bounds, *asked_for, *asked.state])

    def _hours(self, name: str) -> Condition:
        """In the rollup's own terms."""
        first, last = f"{name}first", f"{name}last"
        sql = f"{HOUR} >= toDateTime(%({first})s) AND {HOUR} <= toDateTime(%({last})s)"
        return Condition(sql, {first: self.range.start // 1_000_000, last: self.range.end // 1_000_000})


@dataclass(frozen=True)
class Covered:
    """The part of a range that is counted, in parts without a gap, the newest first."""

    parts: tuple[Part, ...]

    @property
    def range(self) -> Range:
        return Range(self.parts[-1].range.start, self.parts[0].range.end)

    @property
    def hourly(self) -> bool:
        """Whether some hours are known as a whole only."""
        return any(part.hourly for part in self.parts)


async def covered_of(reader: Reader, project_id: str, asked: Asked) -> Covered:
    """What is counted of the range that is asked for. At most about `MAX_ROWS` rows have to be folded for it."""
    plan = await plan_search(reader, project_id, asked.range, Cost.TEXT)
    hours = whole_buckets(asked.range, HOUR_US)
    if hours is not None and plan.rows > HOURLY_ROWS and asked.as_of is None and set(_fields(asked.q)) <= _ROLLED_UP:
        return await _by_hours(reader, project_id, asked.range, hours)
    if plan.rows <= MAX_ROWS:
        return Covered((Part(asked.range, hourly=False),))
    *_, (step, _) = plan.within(MAX_ROWS)
    return Covered((Part(Range(step.start, asked.range.end), hourly=False),))


async def _by_hours(reader: Reader, project_id: str, range: Range, hours: Range) -> Covered:
    """Whole hours, and the parts of hours at both ends as far as they have not too many rows; the newer one first."""
    parts, left = [Part(hours, hourly=True)], MAX_ROWS
    for edge in (Range(hours.end + 1, range.end), Range(range.start, hours.start - 1)):
        if edge.start > edge.end:
            continue
        rows = (await counts_of(reader, project_id, edge)).rows
        if rows <= left:
            parts.append(Part(edge, hourly=False))
            left -= rows
    return Covered(tuple(sorted(parts, key=lambda part: part.range, reverse=True)))


def _fields(node: Node) -> Iterator[str]:
    """The fields that a query names, '' for the text."""
    match node:
        case And(nodes) | Or(nodes):
            for each in nodes:
                yield from _fields(each)
        case Not(inner):
            yield from _fields(inner)
        case Term(name):
            yield name
        case _:
            yield ""
