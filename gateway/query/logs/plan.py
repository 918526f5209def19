"""What a search will cost: its steps, planned from the counts per five minutes (reading.md, "Steps")."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.query.language import Cost
from gateway.query.logs.counts import Counts, counts_of
from gateway.query.parameters import Parameters
from gateway.query.range import Range
from gateway.query.reader import Reader
from gateway.query.steps import BUCKET_US, MAX_PARSED_ROWS, MAX_ROWS, Step, steps
from gateway.query.times import format_time

MOST_ROWS = 20_000_000
"""Most rows that one question searches through: some forty steps."""

MOST_TOGETHER = 4
"""Steps that are done as one where those before them were not enough: each statement costs some 20 ms beyond its rows
(performance.md, "Steps that grow")."""

PART = 10
"""Where not every row is wanted, a page may well be in a tenth of the first step."""

BUDGET = (
    "How many rows may be searched through, where any must be. Then the answer may stop early: it is about what is no"
    " older than `searched_to`."
)
"""What the parameter `budget` means."""


@dataclass(frozen=True)
class Searched:
    """How far a search went: back to this time (microseconds), through about so many rows of those in the range."""

    to: int
    rows: int
    of: int

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Searched-To": format_time(self.to), "X-Searched-Rows": f"{self.rows}/{self.of}"}


@dataclass(frozen=True)
class Plan:
    """The steps of a search, one at least. `rows`: those of the range. `whole`: whether the steps reach its start.
    `first`: the parts of the first step, where it is done in parts."""

    steps: list[Step]
    rows: int
    whole: bool
    first: tuple[Step, ...] = ()

    def within(self, budget: int) -> Iterator[tuple[Step, Searched]]:
        """The steps that so many rows have room for, one at least; with each how far it brings the search. After the
        first one two are done as one, then four."""
        rows = 0
        for step in self._grown(list(self._affordable(budget))):
            rows += step.rows
            yield step, Searched(step.start, rows, self.rows)

    def _affordable(self, budget: int) -> Iterator[Step]:
        rows = 0
        for step in self.steps:
            if rows and rows + step.rows > budget:
                return
            rows += step.rows
            yield step

    def _grown(self, steps: list[Step]) -> Iterator[Step]:
        yield from self.first or steps[:1]
        begin, together = 1, 2
        while some := steps[begin : begin + together]:
            yield Step(some[-1].start, some[0].end, sum(step.rows for step in some))
            begin, together = begin + together, min(2 * together, MOST_TOGETHER)

    def is_done(self, searched: Searched) -> bool:
        """Whether nothing of the range is left."""
        return self.whole and searched.to == self.steps[-1].start


def parse_budget(given: Parameters) -> int:
    """`budget`. What can't be used becomes an issue of `given`."""
    return given.integer("budget", MOST_ROWS, least=1, most=MOST_ROWS)


async def plan_search(reader: Reader, project_id: str, range: Range, cost: Cost, enough: int = 0) -> Plan:
    """`cost`: of the conditions. `enough`: in so many rows what is wanted may well be; they are looked at before the
    rest of the first step. Raises `Unavailable`."""
    counts = await counts_of(reader, project_id, range)
    made = steps_of(range, counts, most_rows(cost))
    return Plan(made, counts.rows, counts.whole, parted(made[0], counts, enough) if enough else ())


def steps_of(range: Range, counts: Counts, most: int) -> list[Step]:
    """`counts`: of this range, or of one that it is in."""
    return list(steps(counts.known_from(range), range.end, counts.by_bucket, most))


def parted(step: Step, counts: Counts, enough: int, *, oldest: bool = False) -> tuple[Step, ...]:
    """The newest part of a step that holds enough rows, or the oldest, and the rest; the step alone where that is not
    worth a statement of its own."""
    inside = [bucket for bucket in counts.by_bucket if step.start <= bucket and bucket + BUCKET_US <= step.end]
    rows = 0
    for bucket in sorted(inside, reverse=not oldest):
        rows += counts.by_bucket[bucket]
        if rows >= enough:
            break
    if not 0 < 2 * rows < step.rows or rows < enough:
        return (step,)
    if oldest:
        edge = bucket + BUCKET_US
        return Step(step.start, edge - 1, rows), Step(edge, step.end, step.rows - rows)
    return Step(bucket, step.end, rows), Step(step.start, bucket - 1, step.rows - rows)


def most_rows(cost: Cost) -> int:
    """Of a step that asks conditions of this cost."""
    return MAX_PARSED_ROWS if cost >= Cost.ATTRIBUTES else MAX_ROWS
