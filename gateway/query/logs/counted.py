"""Exact counts of logs by what they have: from the rollup where it knows enough, else row by row in steps
(reading.md, "Volume")."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.query.asked import Asked
from gateway.query.language import Condition, Cost, condition
from gateway.query.logs.fields import FIELDS, LANGUAGE
from gateway.query.logs.plan import plan_search
from gateway.query.logs.rollup import SECONDS, begin_within, whole_buckets
from gateway.query.range import Range
from gateway.query.reader import Reader, Rows, TooBig
from gateway.query.source import Source
from gateway.query.stored import text_of
from shared.signals.logs import LOGS

ROLLED_UP_S = 6 * 3600
"""Shorter ranges are counted row by row."""

MOST_COUNTS = 100_000
"""Of one answer. More are too big."""

Keys = Callable[[str], Sequence[str]]
"""What logs are counted by: expressions, given the one of a log's time in microseconds. For the rollup that is when its
five minutes begin."""

Count = Callable[[Reader, str, Asked, Keys, int], Awaitable["Counted"]]
"""As `count_logs` counts."""

OF_ROWS = "toUnixTimestamp64Micro(timestamp)"
_OF_ROLLUP = f"{SECONDS} * 1000000"


@dataclass(frozen=True)
class Counted:
    """How many logs have each key, of those that are no older than `searched_to` (microseconds)."""

    counts: Counter[tuple[Any, ...]]
    searched_to: int

    def by(self, *places: int) -> "Counted":
        """By some of the keys only, given their places among all."""
        counts: Counter[tuple[Any, ...]] = Counter()
        for key, count in self.counts.items():
            counts[tuple(key[place] for place in places)] += count
        return Counted(counts, self.searched_to)


async def count_logs(reader: Reader, project_id: str, asked: Asked, keys: Keys, budget: int) -> Counted:
    """`budget`: rows that may be searched through, where the rollup can't answer. Raises `TooBig`, `Unavailable`."""
    counting = _Counting(reader, keys)
    whole = whole_buckets(asked.range)
    if whole and knows_rollup(asked):
        await counting.roll_up(project_id, asked, whole)
        return Counted(counting.counts, asked.range.start)
    plan = await plan_search(reader, project_id, asked.range, logs_of(reader, project_id, asked).cost)
    for step, searched in plan.within(budget):
        await counting.add(logs_of(reader, project_id, asked, Range(step.start, step.end)), OF_ROWS)
        to = searched.to
    return Counted(counting.counts, to)


def knows_rollup(asked: Asked) -> bool:
    """Whether the rollup answers it. Otherwise each count reads all rows."""
    cost = max(each.cost for each in asked.conditions(LANGUAGE))
    return whole_buckets(asked.range) is not None and asked.range.seconds >= ROLLED_UP_S and cost == Cost.ROLLUP


def logs_of(reader: Reader, project_id: str, asked: Asked, part: Range | None = None) -> Source:
    """The logs of a question, or of a part of its range."""
    of_part = asked if part is None else replace(asked, range=part)
    return Source.of(reader.database, LOGS.name, project_id, of_part.conditions(LANGUAGE))


def _rolled_up(reader: Reader, project_id: str, asked: Asked, whole: Range) -> Source:
    """The logs of a question in whole five minutes, in the rollup's terms."""
    conditions: list[Condition] = [begin_within(whole), condition(asked.q, FIELDS)]
    return Source.of(reader.database, LOGS.name, project_id, conditions)


class _Counting:
    """Adds counts up, on the threads of the queries."""

    def __init__(self, reader: Reader, keys: Keys) -> None:
        self.counts: Counter[tuple[Any, ...]] = Counter()
        self._reader = reader
        self._keys = keys

    async def roll_up(self, project_id: str, asked: Asked, whole: Range) -> None:
        """Whole five minutes from the rollup, the rest at both ends of the range from the rows."""
        for edge in (Range(asked.range.start, whole.start - 1), Range(whole.end + 1, asked.range.end)):
            if edge.start <= edge.end:
                await self.add(logs_of(self._reader, project_id, asked, edge), OF_ROWS)
        await self.add(_rolled_up(self._reader, project_id, asked, whole), _OF_ROLLUP)

    async def add(self, source: Source, moment: str) -> None:
        await source.read(self._reader, self._take, *_statement(self._keys(moment)))

    def _take(self, rows: Rows) -> None:
        for *key, count in rows:
            self.counts[tuple(text_of(each) if isinstance(each, bytes) else each for each in key)] += count
        if len(self.counts) > MOST_COUNTS:
            raise TooBig


def _statement(expressions: Sequence[str]) -> tuple[str, str]:
    """What stands before and after FROM and WHERE."""
    names = [f"key_{n}" for n in range(len(expressions))]
    selected = [f"{expression} AS {name}" for expression, name in zip(expressions, names, strict=True)]
    return f"{', '.join(selected)}, count()", f"GROUP BY {', '.join(names)} LIMIT {MOST_COUNTS + 1}"
