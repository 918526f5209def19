"""What a search will cost: its steps, planned from the counts per five minutes (reading.md, "Steps")."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.query.language import Cost
from gateway.query.logs.counts import Counts, counts_of
from gateway.query.parameters import Parameters
from gateway.query.range import Range
from gateway.query.reader import Reader
from gateway.query.steps import MAX_PARSED_ROWS, MAX_ROWS, Step, steps
from gateway.query.times import format_time

MOST_ROWS = 20_000_000
"""Most rows that one question searches through: some forty steps."""

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
    """The steps of a search, one at least. `rows`: those of the range. `whole`: whether the steps reach its start."""

    steps: list[Step]
    rows: int
    whole: bool

    def within(self, budget: int) -> Iterator[tuple[Step, Searched]]:
        """The steps that so many rows have room for, one at least; with each how far it brings the search."""
        rows = 0
        for step in self.steps:
            if rows and rows + step.rows > budget:
                return
            rows += step.rows
            yield step, Searched(step.start, rows, self.rows)

    def is_done(self, searched: Searched) -> bool:
        """Whether nothing of the range is left."""
        return self.whole and searched.to == self.steps[-1].start


def parse_budget(given: Parameters) -> int:
    """`budget`. What can't be used becomes an issue of `given`."""
    return given.integer("budget", MOST_ROWS, least=1, most=MOST_ROWS)


async def plan_search(reader: Reader, project_id: str, range: Range, cost: Cost) -> Plan:
    """`cost`: of the conditions. Raises `Unavailable`."""
    counts = await counts_of(reader, project_id, range)
    return Plan(steps_of(range, counts, most_rows(cost)), counts.rows, counts.whole)


def steps_of(range: Range, counts: Counts, most: int) -> list[Step]:
    """`counts`: of this range, or of one that it is in."""
    return list(steps(counts.known_from(range), range.end, counts.by_bucket, most))


def most_rows(cost: Cost) -> int:
    """Of a step that asks conditions of this cost."""
    return MAX_PARSED_ROWS if cost >= Cost.ATTRIBUTES else MAX_ROWS
