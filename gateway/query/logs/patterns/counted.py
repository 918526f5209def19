"""Which logs of a range are counted by their patterns, and how: whole hours from `patterns_by_hour`, the rest row by
row (reading.md, "Patterns")."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.query.asked import Asked
from gateway.query.language import EVERYTHING, Condition, Node, condition
from gateway.query.language.nodes import And, Not, Or, Term
from gateway.query.logs.counts import counts_of
from gateway.query.logs.fields import FIELDS, PATTERN
from gateway.query.logs.rollup import LAST_S
from gateway.query.range import Range, within
from gateway.query.reader import Reader
from gateway.query.source import Source
from gateway.query.steps import steps
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
        bounds = [self._hours(name)] if self.hourly else within(*self.range, name)
        asked_for = [] if asked.q == EVERYTHING else [condition(asked.q, FIELDS)]
        return Source.of(reader.database, LOGS.name, project_id, [*bounds, *asked_for, *asked.state])

    def _hours(self, name: str) -> Condition:
        """In the rollup's own terms."""
        first, last = f"{name}first", f"{name}last"
        sql = f"{HOUR} >= toDateTime(%({first})s) AND {HOUR} <= toDateTime(%({last})s)"
        return Condition(sql, {first: self.range.start // 1_000_000, last: self.range.end // 1_000_000})


@dataclass(frozen=True)
class Counted:
    """The part of a range that is counted, in parts without a gap, the newest first."""

    parts: tuple[Part, ...]

    @property
    def range(self) -> Range:
        return Range(self.parts[-1].range.start, self.parts[0].range.end)

    @property
    def hourly(self) -> bool:
        """Whether some hours are known as a whole only."""
        return any(part.hourly for part in self.parts)


async def counted_of(reader: Reader, project_id: str, asked: Asked) -> Counted:
    """What is counted of the range that is asked for. At most about `MAX_ROWS` rows have to be folded for it."""
    counts = await counts_of(reader, project_id, asked.range)
    hours = _whole_hours(asked.range)
    if hours is not None and counts.rows > HOURLY_ROWS and asked.as_of is None and set(_fields(asked.q)) <= _ROLLED_UP:
        return await _by_hours(reader, project_id, asked.range, hours)
    if counts.rows <= MAX_ROWS:
        return Counted((Part(asked.range, hourly=False),))
    known = Range(counts.known_from(asked.range), asked.range.end)
    return Counted((Part(_newest(known, counts.by_bucket), hourly=False),))


async def _by_hours(reader: Reader, project_id: str, range: Range, hours: Range) -> Counted:
    """Whole hours, and the parts of hours at both ends as far as they have not too many rows; the newer one first."""
    parts, left = [Part(hours, hourly=True)], MAX_ROWS
    for edge in (Range(hours.end + 1, range.end), Range(range.start, hours.start - 1)):
        if edge.start > edge.end:
            continue
        rows = (await counts_of(reader, project_id, edge)).rows
        if rows <= left:
            parts.append(Part(edge, hourly=False))
            left -= rows
    return Counted(tuple(sorted(parts, key=lambda part: part.range, reverse=True)))


def _newest(range: Range, counts: dict[int, int]) -> Range:
    """The newest part of a range, with as many rows as may be folded."""
    start, rows = range.end, 0
    for step in steps(*range, counts, MAX_ROWS):
        if rows and rows + step.rows > MAX_ROWS:
            break
        start, rows = step.start, rows + step.rows
    return Range(start, range.end)


def _whole_hours(range: Range) -> Range | None:
    """The hours that lie in a range as a whole, if there are any. The first hour that ClickHouse can name also holds
    what is older."""
    start = max(-(-range.start // HOUR_US), 1) * HOUR_US
    end = min(range.end + 1, LAST_S * 1_000_000) // HOUR_US * HOUR_US - 1
    return Range(start, end) if start < end else None


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
